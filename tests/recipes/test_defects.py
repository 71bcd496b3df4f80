import sys

import pytest
from ase.build import bulk, molecule

from adatom import FlowFailure, flow, job
from adatom.errors import InputError, MissingExtraError, UnknownNameError
from adatom.recipes.emt import bulk_to_defects_flow, relax_job, static_job
from adatom.schemas.save import load_results, save_results

SMALL = {"min_length": 7.0, "min_atoms": 20}
ALL = {"substitutions": {"Cu": "Al"}, "interstitials": ["Cu"]}


def test_the_vacancy_of_copper_is_that_by_hand(results_dir):
    result = bulk_to_defects_flow(bulk("Cu"))
    assert {kind: len(runs) for kind, runs in result.items() if isinstance(runs, list)} == {"relax": 1, "static": 1}
    assert len(list(results_dir.rglob("*.traj"))) == 4
    perfect = bulk("Cu", cubic=True) * (3, 3, 3)
    vacancy = perfect.copy()
    del vacancy[0]
    per_atom = static_job(perfect)["results"]["energy"] / 108
    by_hand = relax_job(vacancy)["results"]["energy"] - 107 * per_atom
    energies = result["formation_energies"]
    assert energies["chemical_potentials"] == {"Cu": pytest.approx(per_atom)}
    assert energies["defects"] == [
        {
            "defect": "v_Cu",
            "defect_index": 0,
            "charge": 0,
            "element_changes": {"Cu": -1},
            "energy_difference": pytest.approx(by_hand - per_atom, abs=1e-4),
            "formation_energy": pytest.approx(by_hand, abs=1e-4),
            "missing": "",
        }
    ]


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    from adatom import change_settings

    with change_settings(results_dir=tmp_path_factory.mktemp("several")):
        return bulk_to_defects_flow(bulk("Cu"), supercell_kwargs=SMALL, defect_kwargs=ALL)


def test_each_kind_of_defect(several):
    entries = several["formation_energies"]["defects"]
    assert [entry["defect"] for entry in entries] == ["v_Cu", "Al_Cu", "Cu_i", "Cu_i"]
    assert len(several["relax"]) == len(several["static"]) == 4
    for entry, run in zip(entries, several["static"], strict=True):
        assert run["atoms"].info["defect"] == entry["defect"]
        difference = run["results"]["energy"] - several["bulk"]["results"]["energy"]
        assert entry["energy_difference"] == pytest.approx(difference)
    vacancy, solute, *interstitials = entries
    assert all(entry["formation_energy"] > vacancy["formation_energy"] > 1 for entry in interstitials)
    assert solute["formation_energy"] is None
    assert solute["missing"] == "Give chemical_potentials, in eV per atom, of Al."


def test_chemical_potentials_are_used():
    aluminium = static_job(bulk("Al"))["results"]["energy"]
    result = bulk_to_defects_flow(
        bulk("Cu"),
        supercell_kwargs=SMALL,
        defect_kwargs={"vacancies": [], "substitutions": {"Cu": "Al"}},
        chemical_potentials={"Al": aluminium},
        run_static=False,
    )
    assert set(result) == {"bulk", "relax", "formation_energies"}
    [entry] = result["formation_energies"]["defects"]
    bulk_energy = result["bulk"]["results"]["energy"]
    expected = result["relax"][0]["results"]["energy"] - bulk_energy * 31 / 32 - aluminium
    assert entry["formation_energy"] == pytest.approx(expected)


def test_charges_are_told_to_the_code():
    """EMT knows no charge: another of its arguments stands for it."""
    result = bulk_to_defects_flow(
        bulk("Cu"),
        supercell_kwargs=SMALL,
        charges={0: {}, 1: {"calc_kwargs": {"asap_cutoff": True}}},
        fermi_energy=4.0,
    )
    neutral, charged = result["formation_energies"]["defects"]
    assert [neutral["charge"], charged["charge"]] == [0, 1]
    cutoffs = [run["parameters"]["calculator"]["asap_cutoff"] for run in result["relax"] + result["static"]]
    assert cutoffs == [False, True, False, True]
    assert charged["formation_energy"] == pytest.approx(
        charged["energy_difference"] + result["formation_energies"]["chemical_potentials"]["Cu"] + 4.0
    )
    assert not result["bulk"]["parameters"]["calculator"]["asap_cutoff"]


@job
def fails_for_interstitials(atoms):
    if atoms.info.get("defect") == "Cu_i":
        raise ValueError("too tight")
    return relax_job(atoms)


def test_a_defect_that_failed_is_named_and_the_others_are_there():
    with pytest.raises(FlowFailure, match="too tight") as caught:
        bulk_to_defects_flow(
            bulk("Cu"), relax_job=fails_for_interstitials, supercell_kwargs=SMALL, defect_kwargs=ALL, run_static=False
        )
    vacancy, _, *interstitials = caught.value.value["formation_energies"]["defects"]
    assert vacancy["formation_energy"] > 1
    assert [entry["missing"] for entry in interstitials] == ["ValueError: too tight"] * 2


def test_it_can_be_saved(several, tmp_path):
    back = load_results(save_results(several, tmp_path / "defects.json"))
    assert back["formation_energies"] == several["formation_energies"]


def test_in_another_flow_with_a_future():
    @flow
    def workflow(atoms):
        relaxed = relax_job(atoms, relax_cell=True)
        return bulk_to_defects_flow(relaxed["atoms"], supercell_kwargs=SMALL, run_static=False)

    result = workflow(bulk("Cu", a=3.7))
    volume = result["bulk"]["atoms"].get_volume() / 32
    assert volume == pytest.approx(11.566, rel=1e-2)


@pytest.mark.parametrize(
    ("atoms", "changes", "error", "message"),
    [
        (molecule("H2O"), {}, InputError, "periodic in three directions"),
        (bulk("Cu"), {"defect_kwargs": {"vacancy": []}}, UnknownNameError, "Did you mean 'vacancies'"),
        (bulk("Cu"), {"supercell_kwargs": {"min_lenght": 3}}, UnknownNameError, "Did you mean 'min_length'"),
        (bulk("Cu"), {"chemical_potentials": {"AL": -3.0}}, UnknownNameError, "Did you mean 'Al'"),
        (bulk("Cu"), {"chemical_potentials": {"Al": float("nan")}}, InputError, "energy of Al is nan"),
        (bulk("Cu"), {"charges": {"+1": {}}}, InputError, "charges has '\\+1'"),
        (bulk("Cu"), {"charges": {1: 2}}, InputError, "charges has 1: 2"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(atoms, changes, error, message, results_dir):
    with pytest.raises(error, match=message):
        bulk_to_defects_flow(atoms, **changes)
    assert not list(results_dir.rglob("JOB-*"))


def test_without_its_package_it_says_how_to_get_it(results_dir, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pymatgen.analysis.defects")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pymatgen.analysis.defects", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'adatom\[defects\]'"):
        bulk_to_defects_flow(bulk("Cu"), defect_kwargs={"interstitials": ["H"]})
    assert not list(results_dir.rglob("JOB-*"))
