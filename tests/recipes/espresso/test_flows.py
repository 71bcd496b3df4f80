"""Programs that read one another's files: what they find, what they leave alone, and that flows keep their order."""

import hashlib
import pickle
import re
from inspect import cleandoc
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.io import read

from adatom import FlowFailure, change_settings
from adatom.errors import InputError, ProgramError
from adatom.recipes.espresso import (
    bands_flow,
    bands_pp_job,
    bands_pw_job,
    bulk_to_slabs_flow,
    dos_flow,
    dos_job,
    elastic_tensor_flow,
    eos_flow,
    grid_phonon_flow,
    matdyn_job,
    non_scf_job,
    phonon_dos_flow,
    phonon_job,
    post_processing_job,
    projwfc_flow,
    projwfc_job,
    q2r_job,
    static_job,
)
from adatom.recipes.registry import recipes_of
from adatom.schemas.save import load_results, save_results
from tests.recipes.espresso.conftest import FAST

STATIC = {"static_job": FAST}
ROUGH = {"tr2_ph": 1e-12}
# With looser thresholds an unstable mode of this coarse silicon is off by 1.5 cm⁻¹, and two ways to it differ by 0.1.
FAST_KWARGS = FAST["calc_kwargs"]
CONVERGED = {**FAST, "calc_kwargs": {**FAST_KWARGS, "input_data": {**FAST_KWARGS["input_data"], "conv_thr": 1e-13}}}
TIGHT = {"tr2_ph": 1e-15}
ISOTOPES = bulk("Si")
ISOTOPES.set_masses([28.0, 30.0])
ROUGH_SILICON = {"pseudopotential": "Si.pz-vbc.UPF", "ecutwfc": 8, "ecutrho": 32}


def digest(directory):
    """Of all files, their names, and when they were changed."""
    found = hashlib.blake2b()
    for path in sorted(Path(directory).rglob("*")):
        found.update(f"{path} {path.stat().st_mtime_ns}".encode() + (path.read_bytes() if path.is_file() else b""))
    return found.hexdigest()


@pytest.fixture(scope="module")
def phonons(tmp_path_factory):
    with change_settings(results_dir=tmp_path_factory.mktemp("phonons")):
        return phonon_job.fn(static_job.fn(bulk("Si"), **CONVERGED), grid=(2, 2, 2), input_data=TIGHT)


@pytest.mark.parametrize(
    "job",
    [non_scf_job, bands_pw_job, bands_pp_job, dos_job, projwfc_job, post_processing_job, phonon_job],
    ids=lambda job: job.name,
)
def test_the_earlier_run_stays_as_it_is(job, silicon):
    before = digest(silicon["dir_name"])
    result = job(silicon)
    assert digest(silicon["dir_name"]) == before
    assert result["dir_name"] != silicon["dir_name"]
    assert result["atoms"] == silicon["atoms"]
    assert result["parameters"]["calculator"]["input_data"]
    [again] = load_results(save_results([result], "result.json"))
    assert set(again["results"]) == set(result["results"])


@pytest.mark.parametrize(
    ("job", "linked"),
    [
        (non_scf_job, set()),  # pw.x would write into them
        (dos_job, {"charge-density.dat"}),
        (projwfc_job, {"charge-density.dat", "wfc1.dat", "wfc2.dat", "wfc3.dat"}),
        (phonon_job, {"charge-density.dat", "wfc1.dat", "wfc2.dat", "wfc3.dat"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_large_files_that_are_only_read_take_no_room(job, linked, silicon):
    theirs, ours = (Path(run["dir_name"]) / "pwscf.save" for run in (silicon, job(silicon)))
    there = {file.stat().st_ino for file in theirs.iterdir()}
    assert {file.name for file in ours.iterdir() if file.stat().st_ino in there} == linked


@pytest.mark.parametrize("job", [non_scf_job, dos_job, bands_pw_job], ids=lambda job: job.name)
def test_a_directory_does_for_a_result(job, silicon):
    more = {"calc_kwargs": {"kpts": (2, 2, 2)}} if job is non_scf_job else {}
    ours, theirs = (job(previous, **more)["results"] for previous in (silicon, silicon["dir_name"]))
    for key, value in ours.items():
        if key not in ("path", "labels"):
            assert np.asarray(theirs[key], dtype=float) == pytest.approx(np.asarray(value, dtype=float), abs=1e-4)


def test_compressed_files_are_read_too():
    with change_settings(gzip=True):
        static = static_job.fn(bulk("Si"), **FAST)
        assert (Path(static["dir_name"]) / "espresso.pwi.gz").exists()
        bands = non_scf_job.fn(static["dir_name"], calc_kwargs={"kpts": (2, 2, 2)})
        q2r = q2r_job.fn(phonon_job.fn(static, grid=(1, 1, 1), input_data=ROUGH))
    assert bands["results"]["eigenvalues"].shape[0] == 1
    assert matdyn_job.fn(q2r, grid=(2, 2, 2))["results"]["frequencies"].shape == (3, 6)


# --- Numbers ----------------------------------------------------------------------------------------------------------


def test_bands_on_a_denser_grid(silicon):
    result = non_scf_job(silicon)
    assert result["parameters"]["calculator"]["kpts"] == [4, 4, 4]
    found = result["results"]
    assert found["eigenvalues"].shape == (1, len(found["kpoints"]), 8)
    assert found["weights"].sum() == pytest.approx(2)  # of electrons in a band
    # those that the SCF has too are the same: read by ASE, from what pw.x prints
    scf = read(Path(silicon["dir_name"]) / "espresso.pwo").calc
    gamma = np.flatnonzero((abs(found["kpoints"]) < 1e-9).all(axis=1))[0]
    assert found["eigenvalues"][0, gamma, :4] == pytest.approx(scf.get_eigenvalues(kpt=0), abs=1e-3)
    assert found["eigenvalues"][0, gamma, 3] - 0.2 < found["fermi_energy"] < found["eigenvalues"][0, gamma, 4]


def test_the_density_of_states_counts_the_electrons():
    flow = dos_flow(bulk("Si"), job_params={**STATIC, "dos_job": {"input_data": {"deltae": 0.05}}})
    found = flow["dos"]["results"]
    energies, dos = found["energies"], found["dos"]
    assert dos.shape == (1, len(energies))
    assert found["integrated_dos"][-1] == pytest.approx(16, abs=0.01)  # 8 bands
    below = energies <= found["fermi_energy"] + 0.05
    assert np.trapezoid(dos[0, below], energies[below]) == pytest.approx(8, abs=0.1)
    assert flow["dos"]["parameters"]["calculator"]["input_data"]["dos"]["deltae"] == 0.05
    assert flow["non_scf"]["results"]["fermi_energy"] == pytest.approx(found["fermi_energy"], abs=1e-3)


def test_projections_add_up():
    found = projwfc_flow(bulk("Si"), job_params=STATIC)["projwfc"]["results"]
    rows = found["projections"]
    assert [(row["atom"], row["symbol"], row["l"]) for row in rows] == [
        (atom, "Si", letter) for atom in (0, 1) for letter in "sp"
    ]
    assert [row["pdos"].shape[0] for row in rows] == [1, 3, 1, 3]
    assert sum(row["ldos"] for row in rows) == pytest.approx(found["projected"], abs=0.02)
    for row in rows:
        assert row["pdos"].sum(axis=0) == pytest.approx(row["ldos"], abs=0.02)
    assert found["charges"].sum() == pytest.approx(8 * (1 - found["spilling"]), abs=0.01)


def test_a_band_structure():
    result = bands_flow(bulk("Si"), job_params={**STATIC, "bands_pw_job": {"path": "LGX", "npoints": 9}})
    found = result["bands_pw"]["results"]
    assert found["path"] == "LGX"
    assert [name for _, name in found["labels"]] == ["L", "G", "X"]
    assert found["distances"][-1] == pytest.approx(2 * np.pi / 5.43 * (np.sqrt(3) / 2 + 1))
    gap = found["eigenvalues"][0, :, 4].min() - found["eigenvalues"][0, :, 3].max()
    assert 0.2 < gap < 0.8  # the local density approximation: half of the measured 1.17 eV
    top = found["eigenvalues"][0, :, 3].argmax()
    assert found["kpoints"][top] == pytest.approx(0, abs=1e-9)
    ordered = result["bands_pp"]["results"]["eigenvalues"]
    assert np.sort(ordered) == pytest.approx(found["eigenvalues"][0], abs=1e-3)
    assert "bands_pp" not in bands_flow(
        bulk("Si"), run_bands_pp=False, job_params={**STATIC, "bands_pw_job": {"path": "GX", "npoints": 2}}
    )


def test_the_charge_density_is_that_of_the_electrons(silicon):
    result = post_processing_job(silicon)
    assert result["results"]["files"] == ["pp.cube", "pp.dat"]
    from ase.io.cube import read_cube_data

    density, atoms = read_cube_data(str(Path(result["dir_name"]) / "pp.cube"))
    from ase.units import Bohr

    assert density.mean() * atoms.get_volume() / Bohr**3 == pytest.approx(8, rel=1e-3)


def test_phonons_at_gamma_are_a_second_derivative(silicon):
    found = phonon_job(silicon)["results"]
    assert found["qpoints"] == pytest.approx(np.zeros((1, 3)))
    assert found["frequencies"].shape == (1, 6)
    optical = found["frequencies"][0, 3:]
    assert optical == pytest.approx([optical[0]] * 3, abs=0.1)
    # frozen: one atom moved against the other, with the reduced mass of two equal ones
    moved = bulk("Si")
    moved.positions[0, 0] += 0.01
    force = static_job(moved, **FAST)["results"]["forces"][0, 0]
    from ase import units

    mass = moved.get_masses()[0] / 2
    frozen = np.sqrt(-force / 0.01 / mass) * units._hbar * 1e10 / np.sqrt(units._e * units._amu) / units.invcm
    assert optical[0] == pytest.approx(frozen, rel=0.01)


def test_force_constants_give_the_phonons_that_they_are_made_of(phonons):
    before = digest(phonons["dir_name"])
    q2r = q2r_job(phonons)
    constants = q2r["results"]["force_constants"]
    assert constants.shape == (2, 2, 3, 3, 2, 2, 2)
    assert np.abs(constants.sum(axis=(1, 4, 5, 6))).max() < 0.2  # nothing happens if all atoms move together
    assert constants[0, 0, 0, 0, 0, 0, 0] == pytest.approx(constants[1, 1, 2, 2, 0, 0, 0], rel=1e-3)
    again = matdyn_job(q2r, qpoints=phonons["results"]["qpoints"], input_data={"asr": "no"})["results"]
    assert again["frequencies"] == pytest.approx(phonons["results"]["frequencies"], abs=0.05)
    assert digest(phonons["dir_name"]) == before
    dos = matdyn_job(q2r, grid=(6, 6, 6))["results"]
    assert np.trapezoid(dos["dos"], dos["dos_frequencies"]) == pytest.approx(6, rel=0.01)


def test_phonons_in_pieces_are_those_of_one_run(phonons):
    params = {"static_job": CONVERGED, "phonon_job": {"input_data": TIGHT}}
    found = grid_phonon_flow(bulk("Si"), job_params=params)
    assert [len(pieces) for pieces in found["pieces"]] == phonons["results"]["irreps"]
    assert found["phonon"]["results"]["qpoints"] == pytest.approx(phonons["results"]["qpoints"], abs=1e-8)
    assert found["phonon"]["results"]["frequencies"] == pytest.approx(phonons["results"]["frequencies"], abs=0.1)


def test_a_phonon_density_of_states():
    found = phonon_dos_flow(bulk("Si"), grid=(1, 1, 1), job_params={**STATIC, "matdyn_job": {"grid": (2, 2, 2)}})
    assert set(found) == {"static", "phonon", "q2r", "matdyn"}
    assert found["matdyn"]["results"]["frequencies"].shape == (3, 6)


@pytest.mark.parametrize(
    "flow", [phonon_dos_flow, pytest.param(grid_phonon_flow, marks=pytest.mark.deep(reason="its grid is read alike"))]
)
def test_a_grid_that_is_said_of_the_job(flow):
    params = {**STATIC, "phonon_job": {"grid": (1, 1, 1), "input_data": ROUGH}}
    assert len(flow(bulk("Si"), job_params=params)["phonon"]["results"]["qpoints"]) == 1


def test_slabs():
    cut = {"max_index": 1, "min_slab_size": 2, "min_vacuum_size": 3, "min_length_width": None}
    rough = {"calc_kwargs": {"elements": {"Si": ROUGH_SILICON}, "kpts": (1, 1, 1)}, "allow_unconverged": True}
    found = bulk_to_slabs_flow(
        bulk("Si"), run_static=False, slab_kwargs=cut, job_params={"relax_job": {**rough, "max_steps": 2}}
    )
    assert len(found["relax"]) >= 3
    for run in found["relax"]:
        assert run["parameters"]["calculator"]["input_data"]["electrons"]["mixing_mode"] == "local-TF"


# --- What they are, and mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", recipes_of("espresso"), ids=lambda recipe: recipe.name)
def test_they_are_documented_and_go_by_reference(recipe):
    step = recipe.step
    assert pickle.loads(pickle.dumps(step)) is step
    for parameter in step.__signature__.parameters:
        assert f"\n{parameter}\n" in cleandoc(step.__doc__), f"{recipe.name}: {parameter} is not documented"
    assert "{parameters}" not in step.__doc__


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda run: dos_job.fn(run, input_data={"deltaE": 1, "fildoss": "x"}),
            "keyword of dos.x 'fildoss'. Near: fildos",
        ),
        (lambda run: dos_job.fn("nowhere"), "no directory 'nowhere'"),
        (lambda run: dos_job.fn({"energy": 3}), "no dir_name"),
        (lambda run: dos_job.fn("."), r"no pwscf.save in \."),
        (lambda run: non_scf_job.fn(run, calc_kwargs={"kptss": 3}), "Did you mean 'kpts'"),
        (lambda run: non_scf_job.fn(run["dir_name"]), "are no grid. Give calc_kwargs"),
        (lambda run: q2r_job.fn(run), r"no file 'dyn\*'"),
        (lambda run: phonon_job.fn(run, grid=(2, 2)), "Give three"),
        (lambda run: phonon_job.fn({**run, "atoms": ISOTOPES}), "Atoms of Si have masses of 28 and 30 u"),
        (lambda run: matdyn_job.fn(run, grid=None), "Give grid or qpoints"),
    ],
)
def test_mistakes_are_named_and_nothing_is_run(call, said, silicon, results_dir):
    with pytest.raises(InputError, match=said):
        call(silicon)
    assert not results_dir.exists()


def test_a_program_that_fails_says_why_and_the_rest_is_skipped():
    # tetrahedra need a grid of more than one point
    with pytest.raises(FlowFailure) as caught:
        dos_flow(bulk("Si"), job_params={**STATIC, "non_scf_job": {"calc_kwargs": {"kpts": None}}})
    failed, skipped = caught.value.failures
    assert failed.kind == ProgramError.__name__
    assert "pw.x ended with exit status 1" in failed.message
    assert "Error in routine" in failed.message
    assert (Path(failed.directory) / "nscf.pwo").exists() or (Path(failed.directory) / "espresso.pwo").exists()
    assert skipped.skipped_because is not None


def grids(runs):
    """The grid of k points of each input."""
    inputs = [next(Path(run["dir_name"]).glob("*.pwi")).read_text() for run in runs]
    return [tuple(map(int, re.search(r"K_POINTS automatic\s+(\d+) (\d+) (\d+)", text).groups())) for text in inputs]


def test_points_of_a_fit_have_one_grid_of_k_points():
    """A spacing of 0.5/Å gives silicon 4 points along a vector, and 3 or 5 at other volumes."""
    spacing = {**FAST_KWARGS, "kspacing": 0.506}
    spacing.pop("kpts", None)
    params = {"static_job": {**FAST, "calc_kwargs": spacing}}
    silicon = bulk("Si")
    strains = [-0.3, -0.1, 0.0, 0.1, 0.3]
    result = eos_flow(silicon, relax_ions=False, strains=strains, job_params=params)
    [grid] = set(grids(result["points"]))
    assert grid == grids([static_job(silicon, **params["static_job"])])[0]
    alone = [static_job(point["atoms"], **params["static_job"]) for point in result["points"]]
    assert len(set(grids(alone))) > 1
    assert {tuple(point["parameters"]["calculator"]["kpts"]) for point in result["points"]} == {grid}

    options = {"norm_strains": [0.3], "shear_strains": [0.2], "run_relax": False, "relax_ions": False}
    strained = elastic_tensor_flow(silicon, **options, job_params=params)["static"]
    assert set(grids(strained)) == {grid}


@pytest.mark.deep(reason="eleven runs of pw.x; the grids by themselves are tested in test_core.py")
def test_slabs_and_their_crystal_have_one_grid_in_the_plane():
    """A spacing gives one number of points along a slab, and another along the edges of the crystal's own cell."""
    spacing = {**FAST_KWARGS, "kspacing": 0.94}
    spacing.pop("kpts", None)
    rough = {"preset": ["metal", "lda"], "calc_kwargs": spacing}  # so thin a slab has no gap
    few = {"min_slab_size": 2, "min_vacuum_size": 3, "min_length_width": None, "z_fix": None}
    params = {"static_job": rough, "relax_job": {**rough, "fmax": 20}}
    result = bulk_to_slabs_flow(bulk("Si"), slab_kwargs=few, run_static=False, job_params=params)
    slabs, crystals = grids(result["relax"]), grids(result["oriented"])
    assert [grid[:2] for grid in slabs] == [grid[:2] for grid in crystals]
    assert all(crystal[2] > slab[2] for slab, crystal in zip(slabs, crystals, strict=True))
    per_atom = result["bulk"]["results"]["energy"] / 2
    for slab, crystal, surface in zip(
        result["relax"], result["oriented"], result["surface_energies"]["surfaces"], strict=True
    ):
        lengths = [run["atoms"].cell.lengths()[:2] for run in (slab, crystal)]
        np.testing.assert_allclose(*lengths, rtol=1e-9)
        reference = crystal["results"]["energy"] / len(crystal["atoms"])
        assert reference == pytest.approx(per_atom, abs=0.3)  # so much on grids as coarse as these
        area = np.linalg.norm(np.cross(*slab["atoms"].cell.array[:2]))
        energy = (slab["results"]["energy"] - len(slab["atoms"]) * reference) / (2 * area)
        assert surface["surface_energy"] == pytest.approx(energy / (units.J / units.m**2), abs=1e-9)
