"""pw.x: numbers against one another, against derivatives, and what happens when it fails."""

import os
import pickle
import re
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, fcc111
from ase.constraints import FixAtoms, FixBondLength
from ase.io import read

from adatom import JobFailure, Remove, change_settings
from adatom.atoms.oriented import oriented_crystal
from adatom.atoms.slabs import make_slabs
from adatom.calculators.espresso.previous_run import settings_of
from adatom.errors import ConvergenceError, InputError, ProgramError, StorageError
from adatom.recipes import espresso
from adatom.recipes.espresso import ase_relax_job, dos_job, non_scf_job, relax_job, static_job
from tests.recipes.espresso.conftest import FAST


def fast(**changes):
    """The parameters of `FAST`, some of them changed."""
    usual = FAST["calc_kwargs"]
    input_data = {**usual["input_data"], **changes.pop("input_data", {})}
    return {**FAST, "calc_kwargs": {**usual, "input_data": input_data, **changes}}


def rattled(amount=0.05):
    atoms = bulk("Si")
    atoms.rattle(amount, seed=1)
    return atoms


# --- Numbers ----------------------------------------------------------------------------------------------------------


def test_forces_are_the_derivative_of_the_energy():
    atoms = rattled(0.1)
    force = static_job(atoms, **FAST)["results"]["forces"][0, 0]
    energies = []
    for step in (-0.01, 0.01):
        moved = atoms.copy()
        moved.positions[0, 0] += step
        energies.append(static_job(moved, **FAST)["results"]["energy"])
    assert abs(force) > 0.5
    assert force == pytest.approx((energies[0] - energies[1]) / 0.02, rel=2e-3)


def test_stress_is_the_derivative_of_the_energy():
    # With a cut-off so smooth that the number of plane waves does not matter: Bernasconi et al. (1995).
    smooth = {"ecutwfc": 20, "ecutrho": 80, "ecfixed": 12, "qcutz": 24, "q2sigma": 2}
    atoms = bulk("Si", a=5.2)
    stress = static_job(atoms, properties=["energy", "stress"], **fast(input_data=smooth))["results"]["stress"]
    energies = []
    for step in (-0.005, 0.005):
        strained = atoms.copy()
        strained.set_cell(atoms.cell.array @ np.diag([1 + step, 1, 1]), scale_atoms=True)
        energies.append(static_job(strained, **fast(input_data=smooth))["results"]["energy"])
    derivative = (energies[1] - energies[0]) / 0.01 / atoms.get_volume()
    assert derivative < -0.02  # compressed: negative, as ASE has it
    assert stress[0] == pytest.approx(derivative, rel=0.02)
    assert stress[:3] == pytest.approx([stress[0]] * 3, rel=1e-3)


def test_relaxations_agree():
    own = relax_job(rattled(), fmax=0.05, **FAST)
    by_ase = ase_relax_job(rattled(), fmax=0.05, **FAST)
    for relaxed in (own, by_ase):
        assert relaxed["converged"]
        assert np.linalg.norm(relaxed["results"]["forces"], axis=1).max() < 0.05
        again = static_job(relaxed["atoms"], **FAST)
        assert again["results"]["energy"] == pytest.approx(relaxed["results"]["energy"], abs=1e-5)
        images = read(relaxed["trajectory"], ":")
        assert len(images) == relaxed["steps"] + 1 > 2
        assert images[0].positions == pytest.approx(rattled().positions)
        assert images[0].get_potential_energy() > images[-1].get_potential_energy()
        assert relaxed["atoms"].calc is None
    assert own["atoms"].get_distance(0, 1) == pytest.approx(by_ase["atoms"].get_distance(0, 1), abs=0.01)
    assert own["atoms"].cell.array == pytest.approx(bulk("Si").cell.array, abs=1e-12)


def test_the_cell_relaxes():
    relaxed = relax_job(bulk("Si", a=5.6), relax_cell=True, **FAST)
    assert 5.3 < relaxed["atoms"].cell.lengths()[0] * 2**0.5 < 5.55
    assert abs(relaxed["results"]["stress"]).max() < 1.0 * units.GPa
    again = static_job(relaxed["atoms"], **FAST)
    assert again["results"]["energy"] == pytest.approx(relaxed["results"]["energy"], abs=1e-5)


def test_the_cell_relaxes_under_pressure():
    """The same by pw.x and by ASE's optimizer, and no second pressure beside it."""
    [own, by_ase] = [
        job(bulk("Si", a=5.3), relax_cell=True, pressure=8.0, fmax=0.005, **FAST)["atoms"].get_volume()
        for job in (relax_job, ase_relax_job)
    ]
    assert own == pytest.approx(by_ase, rel=0.01)
    free = relax_job(bulk("Si", a=5.4), relax_cell=True, **FAST)["atoms"].get_volume()
    assert own == pytest.approx(free * (1 - 8 / 95), rel=0.03)  # by the bulk modulus of silicon
    twice = {**FAST, "calc_kwargs": {**FAST["calc_kwargs"], "input_data": {"press": 3.0}}}
    with pytest.raises(JobFailure, match="input_data has press = 3.0. Give one"):
        relax_job(bulk("Si"), relax_cell=True, pressure=8.0, **twice)
    with pytest.raises(JobFailure, match="takes one number. Give one, or take the job .* ase_relax_job"):
        relax_job(bulk("Si"), relax_cell=True, pressure=np.diag([8.0, 8.0, 0.0]), **FAST)


def test_numbers_of_k_points_in_the_plane_are_those_of_the_slab():
    """Alone, the crystal would have others: its third cell vector does not stand upright."""
    slabs = make_slabs(bulk("Si"), min_slab_size=2, min_vacuum_size=3, min_length_width=None)
    slab = next(slab for slab in slabs if slab.info["miller_index"] == [1, 0, 0])
    crystal, spacing = oriented_crystal(bulk("Si"), slab.info["in_plane"]), {"kspacing": 0.377}
    assert espresso.espresso.derive(crystal, spacing, None)["kpts"] == [6, 6, 7]
    assert espresso.espresso.derive(slab, spacing, None)["kpts"] == [5, 5, 3]
    assert espresso.espresso.derive(crystal, spacing, slab)["kpts"] == [5, 5, 7]


def test_a_metal():
    few = {"input_data": {"ecutwfc": 20, "ecutrho": 160, "degauss": 0.05}, "kspacing": 1.26}
    result = static_job(bulk("Cu"), preset=["metal", "lda"], calc_kwargs=few)
    settings = result["parameters"]["calculator"]["input_data"]
    assert settings["system"]["smearing"] == "cold"
    assert abs(result["results"]["forces"]).max() < 1e-6
    output = (Path(result["dir_name"]) / "espresso.pwo").read_text()
    assert "Marzari-Vanderbilt smearing" in output
    # the most that any grid of three points along each vector has
    assert len(read(Path(result["dir_name"]) / "espresso.pwo").calc.get_ibz_k_points()) < 27
    relaxed = relax_job(bulk("Cu", a=3.7), relax_cell=True, preset=["metal", "lda"], calc_kwargs=few)
    assert relaxed["atoms"].cell.lengths()[0] < 3.6 / 2**0.5
    assert abs(relaxed["results"]["stress"]).max() < 2 * units.GPa


def test_fixed_atoms_may_be_less_symmetric_than_the_structure():
    pair = bulk("Si")
    pair.positions[1] += 0.05
    pair.positions -= pair.positions.mean(axis=0)  # an inversion turns the one into the other
    pair.set_constraint(FixAtoms([0]))
    rough = fast(input_data={"ecutwfc": 8, "ecutrho": 32}, kpts=(1, 1, 1))
    relaxed = relax_job(pair, fmax=0.1, **rough)["atoms"]
    assert relaxed.positions[0] == pytest.approx(pair.positions[0], abs=1e-9)
    assert 0.01 < pair.get_distance(0, 1) - relaxed.get_distance(0, 1) < 0.2
    _, directory = failure(relax_job, pair, fmax=0.1, **fast(input_data={"nosym": False}))
    assert "symmetry operations not satisfied" in (directory / "espresso.pwo").read_text()
    pair.set_constraint(FixBondLength(0, 1))
    with pytest.raises(InputError, match="FixBondLengths holds: use ase_relax_job"):
        relax_job.fn(pair, **rough)


def test_magnetic_moments():
    nickel = bulk("Ni")
    nickel.set_initial_magnetic_moments([0.5])
    few = {"input_data": {"ecutwfc": 20, "ecutrho": 160, "degauss": 0.05}, "kpts": (2, 2, 2)}
    result = static_job(nickel, preset=["metal", "lda"], calc_kwargs=few)
    [total] = re.findall(r"total magnetization += +(\S+)", (Path(result["dir_name"]) / "espresso.pwo").read_text())[-1:]
    assert result["results"]["magmoms"] == pytest.approx([float(total)], abs=0.1)
    assert result["results"]["magmom"] == float(total) > 0.3
    dos = dos_job(result)["results"]["dos"]
    assert dos.shape[0] == 2
    assert abs(dos[0] - dos[1]).max() > 0.1


def test_two_ranks_give_the_numbers_of_one(silicon):
    two = static_job.with_options(resources={"ranks_per_node": 2})(bulk("Si"), **FAST)
    assert two["results"]["energy"] == pytest.approx(silicon["results"]["energy"], abs=1e-6)
    output = (Path(two["dir_name"]) / "espresso.pwo").read_text()
    assert "running on     2 processors" in output or "Number of MPI processes:                 2" in output


def test_the_charge_and_wave_functions_of_an_earlier_run(silicon):
    before = contents(silicon)
    again = static_job(bulk("Si"), **FAST, copy_files=(silicon, "pwscf.save"))
    assert again["results"]["energy"] == pytest.approx(silicon["results"]["energy"], abs=1e-6)
    iterations = [(Path(run["dir_name"]) / "espresso.pwo").read_text().count("iteration #") for run in (silicon, again)]
    assert iterations[1] < iterations[0]
    assert contents(silicon) == before


def contents(result):
    return {path: path.read_bytes() for path in Path(result["dir_name"]).rglob("*") if path.is_file()}


# --- What the run is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in espresso.__all__ if name.endswith("_job")])
def test_a_job_is_a_function_of_its_package(name):
    job = getattr(espresso, name)
    assert job.__name__ == name
    assert job.__module__.startswith("adatom.recipes.espresso")
    assert pickle.loads(pickle.dumps(job)) is job
    assert b"adatom.recipes.espresso" in pickle.dumps(job)
    for parameter in job.__signature__.parameters:
        assert f"\n{parameter}\n" in job.__doc__, f"{parameter} is not documented"


def test_nothing_is_written_elsewhere(tmp_path, monkeypatch, results_dir):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("ESPRESSO_TMPDIR", str(elsewhere))
    atoms = bulk("Si")
    before = atoms.copy()
    result = static_job(atoms, **FAST)
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere", "results"}
    assert [str(path) for path in results_dir.glob("[!.]*")] == [result["dir_name"]]
    assert (Path(result["dir_name"]) / "pwscf.save" / "charge-density.dat").exists()
    assert atoms == before
    assert atoms.calc is None


def test_settings_are_those_of_the_preset_under_those_of_the_user():
    calc_kwargs = {"input_data": {"CONV_THR": 1e-6, "system": {"nbnd": 6}, "control": {"tstress": Remove}}}
    made = espresso.espresso.calculator(bulk("Si"), calc_kwargs).parameters
    assert made["input_data"]["electrons"] == {"conv_thr": 1e-6}
    assert made["input_data"]["system"]["nbnd"] == 6
    assert made["input_data"]["system"]["smearing"] == "cold"
    assert "tstress" not in made["input_data"]["control"]
    assert (made["kspacing"], made["kpts"]) == (0.2513, None)
    made = espresso.espresso.calculator(bulk("Si"), {"kpts": (3, 3, 3)}).parameters
    assert (made["kspacing"], made["kpts"]) == (None, (3, 3, 3))


POINTS = [[0, 0, 0, 1.0], [0.5, 0, 0, 1.0]]


@pytest.mark.parametrize(
    ("preset", "atoms", "given", "card"),
    [
        ("metal", bulk("Cu"), {}, "automatic\n12 12 12  0 0 0"),
        ("metal", bulk("Cu", cubic=True), {}, "automatic\n7 7 7  0 0 0"),
        ("metal", bulk("Fe"), {}, "automatic\n13 13 13  0 0 0"),
        ("metal", bulk("Si"), {"kspacing": 0.5, "koffset": (1, 1, 1)}, "automatic\n5 5 5  1 1 1"),
        ("semiconductor", bulk("Si"), {}, "automatic\n7 7 7  0 0 0"),
        ("slab", fcc111("Cu", (1, 1, 3), vacuum=6), {}, "automatic\n12 12 1  0 0 0"),
        ("slab", fcc111("Cu", (1, 1, 3), vacuum=6, periodic=True), {}, "automatic\n12 12 2  0 0 0"),
        ("metal", Atoms("Cu", cell=[6, 6, 6]), {}, "automatic\n1 1 1  0 0 0"),
        ("molecule", Atoms("H2", [[0, 0, 0], [0, 0, 0.74]], cell=[6, 6, 6]), {}, "gamma"),
        (["metal", "molecule"], Atoms("Cu", cell=[6, 6, 6]), {}, "gamma"),
        ("molecule", Atoms("Cu", cell=[6, 6, 6], pbc=True), {"kspacing": 0.6}, "automatic\n2 2 2  0 0 0"),
        ("metal", bulk("Cu"), {"kpts": None}, "gamma"),
        ("metal", bulk("Cu"), {"kpts": POINTS}, "crystal\n2\n"),
        ("metal", bulk("Cu"), {"kpts": {"path": "GX", "npoints": 5}}, "crystal_b\n5\n"),
    ],
)
def test_k_points(preset, atoms, given, card, tmp_path):
    code = replace(espresso.espresso, preset=preset)
    made = code.calculator(atoms, given)
    made.directory = tmp_path
    made.write_inputfiles(atoms, ["energy"])
    assert f"K_POINTS {card}" in re.sub(r"\n +", "\n", (tmp_path / "espresso.pwi").read_text())


def test_a_spacing_goes_before_the_grid_of_an_earlier_run(silicon):
    assert list(settings_of(silicon)["kpts"]) == [2, 2, 2]
    bands = non_scf_job(silicon, calc_kwargs={"kspacing": 1.0})
    assert "automatic\n3 3 3" in re.sub(r"\n +", "\n", next(Path(bands["dir_name"]).glob("*.pwi")).read_text())


def test_of_cut_offs_the_largest_counts():
    made = espresso.espresso.calculator(Atoms("PtO", cell=[5, 5, 5], positions=[[0, 0, 0], [2, 2, 2]], pbc=True))
    system = made.parameters["input_data"]["system"]
    assert (system["ecutwfc"], system["ecutrho"]) == (38, 228)  # that of oxygen, and that of platinum
    assert set(made.parameters["pseudopotentials"]) == {"Pt", "O"}


# --- Mistakes, found before the run -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input_data": {"ecutwf": 3}}, "Unknown keyword of pw.x 'ecutwf'. Near: ecutwfc"),
        ({"input_data": {"sistem": {"ecutwfc": 3}}}, "Did you mean 'system'"),
        ({"input_data": {"calculation": "relax"}}, "calculation of pw.x is 'relax'.*relax_job"),
        ({"input_data": {"outdir": "/tmp"}}, "outdir of pw.x is '/tmp'.*own directory"),
        ({"kpoints": 3}, "Did you mean 'kpts'"),
        ({"kpts": (2, 2, 2), "kspacing": 0.3}, r"kpts is \(2, 2, 2\), and kspacing is 0.3. Give one"),
        ({"kpts": None, "kspacing": 0}, "kspacing is 0. Give a number above 0"),
        ({"kpts": None, "kspacing": "fine"}, "kspacing is 'fine'. Give a number above 0"),
        ({"elements": {"Si": Remove}}, "No pseudopotential for Si.*the preset has none"),
        ({"elements": {"Si": {"pseudopotential": "no.UPF"}}}, r"no no.UPF \(Si\) in /usr/share.*quantum-espresso-data"),
        ({"pseudopotentials": {"Si": "Al.pz-vbc.UPF"}}, "Al.pz-vbc.UPF is of Al, and was given for Si"),
        ({"elements": {"Si": {"ecutwfc": Remove}}, "input_data": {"ecutwfc": Remove}}, "No cut-off"),
    ],
)
def test_mistakes_are_named_and_nothing_is_run(changes, said, results_dir):
    with pytest.raises(InputError, match=said):
        static_job.fn(bulk("Si"), **fast(**changes))
    assert not results_dir.exists()


def test_all_missing_pseudopotentials_are_named_at_once():
    atoms = Atoms("SiAlGe", positions=np.eye(3), cell=[5, 5, 5], pbc=True)
    files = {"Si": "a.UPF", "Al": "b.UPF", "Ge": "c.UPF"}
    with pytest.raises(InputError, match=r"no b.UPF \(Al\), c.UPF \(Ge\), a.UPF \(Si\)"):
        static_job.fn(atoms, calc_kwargs={"pseudopotentials": files})
    with pytest.raises(InputError, match="No pseudopotential for Al, Xe"):
        static_job.fn(Atoms("XeAl", positions=np.eye(3)[:2], cell=[5, 5, 5], pbc=True))


def test_a_molecule_needs_a_box():
    with pytest.raises(InputError, match=r"three vectors.*atoms.center\(vacuum=8\)"):
        static_job.fn(Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]]), preset="molecule")


def test_a_program_or_directory_that_is_not_there(tmp_path, silicon, results_dir):
    with change_settings(data_dirs={"espresso": str(tmp_path / "pseudo")}):
        with pytest.raises(InputError, match="ADATOM_DATA_DIRS__ESPRESSO"):
            static_job.fn(bulk("Si"), **FAST)
    with change_settings(commands={"espresso": "/opt/nowhere/pw.x"}):
        with pytest.raises(InputError, match=r"/opt/nowhere/pw.x is not there.*ADATOM_COMMANDS__ESPRESSO.*apt-get"):
            static_job.fn(bulk("Si"), **FAST)
        with pytest.raises(InputError, match=r"/opt/nowhere/dos.x is not there"):
            dos_job.fn(silicon)
    assert not results_dir.exists()


# --- Runs that fail ---------------------------------------------------------------------------------------------------


def failure(job, *args, **kwargs):
    with pytest.raises(JobFailure) as caught:
        job(*args, **kwargs)
    failure = caught.value.failure
    directory = Path(failure.directory)
    assert directory.name.startswith("failed-")
    assert (directory / "error.txt").exists()
    return failure, directory


@pytest.mark.parametrize("job", [static_job, relax_job])
def test_an_scf_that_does_not_converge(job):
    found, directory = failure(job, rattled(), **fast(input_data={"electron_maxstep": 2}))
    assert found.kind == ConvergenceError.__name__
    assert "SCF of pw.x did not converge" in found.message
    assert "convergence NOT achieved" in (directory / "espresso.pwo").read_text()


def test_a_relaxation_that_does_not_converge():
    found, _ = failure(relax_job, rattled(), max_steps=2, **FAST)
    assert found.kind == ConvergenceError.__name__
    assert "fmax=0.01" in found.message
    result = relax_job(rattled(), max_steps=2, allow_unconverged=True, **FAST)
    assert result["converged"] is False
    assert (Path(result["dir_name"]) / "UNCONVERGED").exists()


@pytest.fixture
def instead(tmp_path, monkeypatch):
    """Put a script in the place of pw.x, which is ``$PW`` there."""

    def put(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "pw.x").write_text(f"#!/bin/sh\nPW={shutil.which('pw.x')}\n{script}\n")
        (folder / "pw.x").chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return put


def test_killed_in_mid_run(instead):
    instead('"$PW" "$@" & until grep -q "iteration #" espresso.pwo; do sleep 0.02; done; kill -9 $!; wait $!')
    many = {"ecutwfc": 30, "ecutrho": 120, "nosym": True, "verbosity": "high"}
    found, directory = failure(static_job, bulk("Si"), **fast(input_data=many, kpts=(4, 4, 4)))
    assert found.kind == ProgramError.__name__
    assert "pw.x was killed by SIGKILL" in found.message
    last = (directory / "espresso.pwo").read_text().strip().splitlines()[-1].strip()
    assert last in found.message


def test_an_output_that_is_cut_off(instead):
    instead('"$PW" "$@" | head -c 5000')
    found, directory = failure(static_job, bulk("Si"), **FAST)
    assert found.kind == ProgramError.__name__
    assert "pw.x ended with exit status 0, before its end" in found.message
    assert (directory / "espresso.pwo").stat().st_size == 5000


def test_a_pseudopotential_that_is_broken(tmp_path):
    whole = Path("/usr/share/espresso/pseudo/Si.pz-vbc.UPF").read_text()
    (tmp_path / "Si.UPF").write_text(whole[: len(whole) // 2])
    changes = {"pseudopotentials": {"Si": "Si.UPF"}, "input_data": {"pseudo_dir": str(tmp_path)}}
    found, _ = failure(static_job, bulk("Si"), **fast(**changes))
    assert found.kind == ProgramError.__name__
    assert "pw.x ended with exit status" in found.message
    assert "Fortran runtime error" in found.message


def test_a_full_disk(small_disk):
    with change_settings(results_dir=small_disk):
        with pytest.raises(StorageError, match=r"(?s)disk is full.*espresso.pwo:"):
            static_job.fn(bulk("Si"), **fast(input_data={"ecutwfc": 40, "ecutrho": 160}))
    assert [path.name.split("-")[0] for path in small_disk.iterdir()] == ["failed"]
