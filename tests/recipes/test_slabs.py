import pytest
from ase.build import bulk, fcc111, molecule

from adatom import FlowFailure, flow, job
from adatom.errors import InputError, UnknownNameError
from adatom.recipes import lj
from adatom.recipes.common import slabs as common
from adatom.recipes.emt import bulk_to_slabs_flow, relax_job, slab_to_ads_flow, static_job
from adatom.schemas.save import load_results, save_results

SMALL = {"min_slab_size": 4.0, "min_vacuum_size": 10.0, "min_length_width": None}


def test_slabs_of_copper(results_dir):
    result = bulk_to_slabs_flow(bulk("Cu"))
    kinds = ("relax", "static")
    energies = {kind: sorted((len(r["atoms"]), r["results"]["energy"]) for r in result[kind]) for kind in kinds}
    expected = [(64, 10.894242), (80, 11.2063), (80, 12.748511), (96, 14.134421)]
    for kind in kinds:
        assert [n for n, _ in energies[kind]] == [n for n, _ in expected]
        assert [e for _, e in energies[kind]] == pytest.approx([e for _, e in expected], abs=1e-4)
    assert len(list(results_dir.rglob("relax.traj"))) == 4
    assert len(list(results_dir.rglob("static.traj"))) == 4 + 1
    assert result["bulk"]["results"]["energy"] == pytest.approx(-0.0056815, abs=5e-8)
    for relaxed, static in zip(result["relax"], result["static"], strict=True):
        assert static["input_atoms"] == relaxed["atoms"]
        assert static["atoms"].info["miller_index"] == relaxed["atoms"].info["miller_index"]


def test_a_surface_has_one_name_and_energy_in_each_cell():
    expected = {(1, 0, 0): 1.128, (1, 1, 0): 1.223, (1, 1, 1): 1.035}  # J/m²
    for crystal, more in ((bulk("Cu"), {(3, 1, 1): 1.224}), (bulk("Cu", cubic=True), {})):
        surfaces = bulk_to_slabs_flow(crystal, run_static=False)["surface_energies"]["surfaces"]
        energies = {tuple(each["miller_index"]): each["surface_energy"] for each in surfaces}
        assert energies == pytest.approx(expected | more, abs=2e-3)
        assert {each["miller_cell"] for each in surfaces} == {"conventional"}


def test_slabs_are_in_the_magnetic_state_of_the_crystal():
    """An energy of moments alone makes no surface energy."""

    @job
    def moments(atoms):
        return {"atoms": atoms, "results": {"energy": float((atoms.get_initial_magnetic_moments() ** 2).sum())}}

    iron = bulk("Fe", cubic=True)
    iron.set_initial_magnetic_moments([2.2, -2.2])
    found = bulk_to_slabs_flow(iron, relax_job=moments, run_static=False, slab_kwargs=SMALL)
    energies = [each["surface_energy"] for each in found["surface_energies"]["surfaces"]]
    assert len(energies) == 5
    assert energies == pytest.approx([0.0] * 5, abs=1e-9)


def test_without_statics(results_dir):
    result = bulk_to_slabs_flow(bulk("Cu"), run_static=False, run_bulk=False, slab_kwargs=SMALL)
    assert set(result) == {"relax"}
    assert len(result["relax"]) == len(list(results_dir.rglob("*.traj"))) == 4


def test_in_another_flow_with_a_future():
    @flow
    def workflow(atoms):
        relaxed = relax_job(atoms, relax_cell=True)
        return {"bulk": relaxed, "slabs": bulk_to_slabs_flow(relaxed["atoms"], slab_kwargs=SMALL)}

    out = workflow(bulk("Cu", a=3.7))
    assert len(out["slabs"]["static"]) == 4
    # the slabs are cut from the relaxed crystal
    edge = min(out["slabs"]["relax"][0]["input_atoms"].cell.lengths()[:2])
    assert edge == pytest.approx(out["bulk"]["atoms"].cell.lengths()[0], rel=1e-6)
    assert edge < 3.6 / 2**0.5


@pytest.mark.parametrize("z_fix", [2.0, None])
def test_surface_energies_count_broken_bonds(z_fix):
    """An atom of fcc (111) has lost 3 bonds, one of (100) 4, one of (110) 5 and, of the row below, 1."""
    distance = 3.0
    # bonds between nearest neighbours only, at the minimum of the potential, which is shifted to be 0 at the cut-off
    arguments = {"sigma": distance / 2 ** (1 / 6), "epsilon": 0.1, "rc": 1.2 * distance}
    tail = (arguments["sigma"] / arguments["rc"]) ** 6
    bond = -0.1 - 4 * 0.1 * (tail**2 - tail)
    result = lj.bulk_to_slabs_flow(
        bulk("Ar", "fcc", a=distance * 2**0.5, cubic=True),
        slab_kwargs={"min_length_width": None, "min_vacuum_size": 10, "z_fix": z_fix},
        job_params={"all": {"calc_kwargs": arguments}},
    )
    energies = {tuple(each["miller_index"]): each["surface_energy"] for each in result["surface_energies"]["surfaces"]}
    per_atom = {(1, 1, 1): 3**0.5 / 2, (1, 0, 0): 1.0, (1, 1, 0): 2**0.5}  # area in squares of the distance
    for index, broken in (((1, 1, 1), 3), ((1, 0, 0), 4), ((1, 1, 0), 6)):
        expected = -bond * broken / 2 / (per_atom[index] * distance**2)  # eV/Å²
        assert energies[index] == pytest.approx(expected * 16.0217663, rel=1e-6)


def test_slabs_of_another_composition_have_no_surface_energy():
    from ase import Atoms

    cu3au = Atoms(
        "AuCu3", scaled_positions=[(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)], cell=[3.75] * 3, pbc=True
    )
    surfaces = bulk_to_slabs_flow(
        cu3au, run_static=False, slab_kwargs={**SMALL, "generator_kwargs": {"symmetrize": True}}
    )["surface_energies"]["surfaces"]
    without = [each for each in surfaces if each["surface_energy"] is None]
    assert 0 < len(without) < len(surfaces)
    assert all("and the crystal" in each["missing"] and "chemical potentials" in each["missing"] for each in without)
    assert all(each["missing"] == "" for each in surfaces if each not in without)


@job
def fails_for_some(atoms):
    if atoms.info.get("miller_index") == [1, 1, 0] or atoms.info.get("site") == "bridge":
        raise ValueError("no")
    return relax_job(atoms)


def test_a_slab_that_failed_is_named_and_the_others_are_there():
    with pytest.raises(FlowFailure, match="1 failed, 1 skipped") as caught:
        bulk_to_slabs_flow(bulk("Cu"), relax_job=fails_for_some, slab_kwargs=SMALL)
    surfaces = caught.value.value["surface_energies"]["surfaces"]
    assert sum(each["surface_energy"] is None for each in surfaces) == 1
    [failed] = [each for each in surfaces if each["surface_energy"] is None]
    assert failed["miller_index"] == [1, 1, 0]
    assert "fails_for_some" in failed["missing"]


def test_without_the_crystal_there_is_nothing_to_compare_with():
    @job
    def fails_for_the_crystal(atoms):
        if len(atoms) == 1:
            raise ValueError("no")
        return static_job(atoms)

    with pytest.raises(FlowFailure, match="nothing to compare with: the crystal failed: ValueError: no") as caught:
        bulk_to_slabs_flow(bulk("Cu"), static_job=fails_for_the_crystal, slab_kwargs=SMALL)
    assert len(caught.value.value["static"]) == 4


def test_they_can_be_saved(tmp_path):
    result = bulk_to_slabs_flow(bulk("Cu"), slab_kwargs=SMALL)
    back = load_results(save_results(result, tmp_path / "slabs.json"))
    assert back["surface_energies"] == result["surface_energies"]


def test_adsorbates():
    slab = fcc111("Cu", (2, 2, 2), vacuum=8, periodic=True)
    result = slab_to_ads_flow(slab, "O", ads_kwargs={"distance": 1.2})
    assert [r["atoms"].info["site"] for r in result["relax"]] == ["ontop", "bridge", "hollow", "hollow"]
    energies = {
        (r["atoms"].info["site"], r["atoms"].info["site_index"]): r["results"]["energy"] for r in result["static"]
    }
    assert energies["hollow", 0] < energies["bridge", 0] < energies["ontop", 0]
    assert set(slab_to_ads_flow(slab, "H", run_static=False, run_parts=False)) == {"relax"}


@pytest.mark.parametrize("box", [None, 6.0])
def test_adsorption_energies(box):
    slab = fcc111("Cu", (2, 2, 2), vacuum=8, periodic=True)
    result = slab_to_ads_flow(slab, "N2", box=box, run_static=False, ads_kwargs={"sites": ["ontop", "bridge"]})
    parts = [relax_job(atoms)["results"]["energy"] for atoms in (slab, molecule("N2"))]
    assert [result[part]["results"]["energy"] for part in ("slab", "adsorbate")] == pytest.approx(parts, abs=1e-6)
    assert result["adsorbate"]["atoms"].pbc.all() == (box is not None)
    energies = result["adsorption_energies"]
    assert energies["adsorbate"] == "N2"
    for run, site in zip(result["relax"], energies["sites"], strict=True):
        assert (site["site"], site["site_index"]) == (run["atoms"].info["site"], run["atoms"].info["site_index"])
        assert site["adsorption_energy"] == pytest.approx(run["results"]["energy"] - sum(parts), abs=1e-6)


def test_an_adsorbate_out_of_reach_has_no_adsorption_energy():
    """Nothing is bound where nothing acts."""
    slab = fcc111("Ar", (3, 3, 2), a=5.3, vacuum=30, periodic=True)
    argon = {"sigma": 3.4, "epsilon": 0.0104, "rc": 8.0}
    [site] = lj.slab_to_ads_flow(
        slab,
        "Ar",
        ads_kwargs={"distance": 20.0, "sites": ["ontop"]},
        job_params={"all": {"calc_kwargs": argon}, "relax_job": {"fmax": 1e-5}},
    )["adsorption_energies"]["sites"]
    assert site["adsorption_energy"] == pytest.approx(0, abs=1e-7)


def test_a_site_that_failed_is_named_and_the_others_are_there():
    slab = fcc111("Cu", (2, 2, 2), vacuum=8, periodic=True)
    with pytest.raises(FlowFailure, match="1 failed") as caught:
        slab_to_ads_flow(slab, "O", relax_job=fails_for_some, run_static=False, ads_kwargs={"distance": 1.2})
    missing = {each["site"]: each["missing"] for each in caught.value.value["adsorption_energies"]["sites"]}
    assert missing == {"ontop": "", "bridge": "ValueError: no", "hollow": ""}


@pytest.mark.filterwarnings("ignore")
def test_a_flow_without_a_code_says_so():
    with pytest.raises((InputError, FlowFailure), match=r"bound to no code.*adatom.recipes.emt"):
        common.bulk_to_slabs_flow(bulk("Cu"), slab_kwargs=SMALL)


def test_jobs_are_arguments():
    result = common.bulk_to_slabs_flow(bulk("Cu"), relax_job=relax_job, run_static=False, slab_kwargs=SMALL)
    assert {r["parameters"]["calculator"]["name"] for r in result["relax"]} == {"EMT"}


def test_the_code_is_bound():
    result = lj.bulk_to_slabs_flow(bulk("Ar", "fcc", 5.3), slab_kwargs=SMALL, run_static=False)
    assert {r["parameters"]["calculator"]["name"] for r in result["relax"]} == {"LennardJones"}


def test_job_params_reach_the_jobs():
    result = bulk_to_slabs_flow(
        bulk("Cu"),
        slab_kwargs=SMALL,
        job_params={"relax_job": {"fmax": 0.05}, "all": {"calc_kwargs": {"asap_cutoff": True}}},
    )
    assert {r["parameters"]["fmax"] for r in result["relax"]} == {0.05}
    assert {r["parameters"]["calculator"]["asap_cutoff"] for r in result["relax"] + result["static"]} == {True}


def test_bad_arguments_are_refused_before_any_job(results_dir):
    with pytest.raises((UnknownNameError, FlowFailure), match="Did you mean 'max_index'"):
        bulk_to_slabs_flow(bulk("Cu"), slab_kwargs={"max_indx": 2})
    with pytest.raises((UnknownNameError, FlowFailure), match="Did you mean 'distance'"):
        slab_to_ads_flow(fcc111("Cu", (1, 1, 2), vacuum=8), "O", ads_kwargs={"distanc": 2})
    with pytest.raises((InputError, FlowFailure), match="box is -1"):
        slab_to_ads_flow(fcc111("Cu", (1, 1, 2), vacuum=8), "O", box=-1)
    with pytest.raises((InputError, FlowFailure), match="O on ontop site 0"):
        slab_to_ads_flow(fcc111("Cu", (1, 1, 2), vacuum=8), "O", ads_kwargs={"distance": 0.2})
    assert not list(results_dir.rglob("*.traj"))
