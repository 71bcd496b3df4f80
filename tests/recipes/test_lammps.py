"""LAMMPS: agreement with ASE's potentials, derivatives, files of potentials, failures."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.lj import LennardJones

from adatom import JobFailure, change_settings
from adatom.calculations import run_static
from adatom.errors import InputError, ProgramError
from adatom.execution.context import job_context
from adatom.machines.resources import Resources
from adatom.recipes.lammps import lammps, relax_job, static_job
from tests.codes import provide_code

LJ = {"pair_style": "lj/cut 6", "pair_coeff": ["* * 0.1 2.3"], "pair_modify": "shift yes"}
EAM = {"pair_style": "eam/alloy", "pair_coeff": ["* * CuNi.eam.alloy Ni Cu"]}  # not in alphabetic order


@pytest.fixture(autouse=True)
def program():
    provide_code("lammps")


def crystal():
    """A perturbed cell of copper, with two atoms outside of it."""
    atoms = bulk("Cu") * (2, 2, 1)
    atoms.rattle(0.1, seed=1)
    atoms.positions[0] += 3 * atoms.cell[0]
    atoms.positions[1] -= atoms.cell[2]
    return atoms


def sheared():
    atoms = crystal()
    atoms.set_cell(atoms.cell.array @ [[1, 0.1, 0.2], [0.05, 1, 0.3], [0.4, -0.2, 1]], scale_atoms=True)
    return atoms


def left_handed():
    atoms = sheared()
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    return atoms


def cluster(cell=None):
    return Atoms("Cu5", np.random.default_rng(0).normal(size=(5, 3)) * 3 - 20, cell=cell)


def periodic_along(*pbc):
    atoms = sheared()
    atoms.pbc = pbc
    return atoms


CASES = {
    "cubic": bulk("Cu", cubic=True),
    "perturbed": crystal(),
    "triclinic": sheared(),
    "left-handed": left_handed(),
    "no cell": cluster(),
    "box": cluster(cell=(5, 6, 7)),
    "one atom": Atoms("Cu"),
    "slab": periodic_along(True, True, False),
    "slab across x": periodic_along(False, True, True),
    "wire": periodic_along(False, True, False),
}


@pytest.mark.parametrize("atoms", CASES.values(), ids=CASES)
def test_lennard_jones_is_that_of_ase(atoms):
    found = static_job(atoms, calc_kwargs=LJ)["results"]
    same = atoms.copy()
    same.calc = LennardJones(epsilon=0.1, sigma=2.3, rc=6)
    assert found["energy"] == pytest.approx(same.get_potential_energy(), abs=1e-8)
    assert found["forces"] == pytest.approx(same.get_forces(), abs=1e-8)
    assert ("stress" in found) == (atoms.cell.rank == 3)
    if "stress" in found:
        assert found["stress"] == pytest.approx(same.get_stress(), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "energy", "length"), [("real", units.kcal / units.mol, 1), ("electron", units.Hartree, units.Bohr)]
)
def test_other_units_give_the_same(name, energy, length):
    words = {"pair_style": f"lj/cut {6 / length}", "pair_coeff": [f"* * {0.1 / energy} {2.3 / length}"]}
    one = static_job(sheared(), calc_kwargs=LJ)["results"]
    other = static_job(sheared(), calc_kwargs={**LJ, **words, "units": name})["results"]
    assert other["energy"] == pytest.approx(one["energy"], abs=1e-8)
    assert other["forces"] == pytest.approx(one["forces"], abs=1e-8)
    assert other["stress"] == pytest.approx(one["stress"], abs=1e-9)


def alloy():
    atoms = sheared()
    atoms.symbols[1] = "Ni"
    return atoms


def energy_of(atoms, **kwargs):
    return static_job(atoms, calc_kwargs=kwargs or EAM)["results"]["energy"]


def test_forces_and_stress_of_an_alloy_are_derivatives():
    found, step = static_job(alloy(), calc_kwargs=EAM)["results"], 1e-4
    energies = []
    for sign in (1, -1):
        moved = alloy()
        moved.positions[1, 2] += sign * step
        energies.append(energy_of(moved))
    assert found["forces"][1, 2] == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=1e-4)
    # A strain in which each number of the stress counts with a weight of its own.
    weights = np.array([1, 2, 3, 4, 5, 6])
    strain = step * np.array([[1, 6, 5], [6, 2, 4], [5, 4, 3]])
    energies = []
    for sign in (1, -1):
        strained = alloy()
        strained.set_cell(strained.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
        energies.append(energy_of(strained))
    slope = (energies[0] - energies[1]) / (2 * step * alloy().get_volume())
    assert found["stress"] @ (weights * [1, 1, 1, 2, 2, 2]) == pytest.approx(slope, rel=1e-5)


def test_types_follow_the_order_of_the_potential():
    by_symbols, given = energy_of(alloy()), {**EAM, "pair_coeff": ["* * CuNi.eam.alloy Cu Ni"]}
    assert energy_of(alloy(), **given) == pytest.approx(by_symbols, abs=1e-10)
    assert energy_of(alloy(), **EAM, specorder=["Cu", "Ni"]) != pytest.approx(by_symbols, abs=1e-2)  # as it is told to
    copper = energy_of(sheared())  # a structure without one of the two
    assert copper == pytest.approx(energy_of(sheared(), **{**EAM, "pair_coeff": ["* * CuNi.eam.alloy Cu"]}), abs=1e-10)


def test_charges_reach_the_input():
    atoms = Atoms("NaCl", [(0, 0, 0), (0, 0, 3)])
    kwargs = {"pair_style": "coul/cut 10", "pair_coeff": ["* *"]}
    for charges in ((1, -1), (0.25, 0.5)):
        atoms.set_initial_charges(charges)
        expected = units.Hartree * units.Bohr * np.prod(charges) / 3
        assert energy_of(atoms, **kwargs) == pytest.approx(expected, rel=1e-6)
    atoms.set_initial_charges(None)
    text = Path(static_job(atoms, calc_kwargs=LJ)["dir_name"], "lammps.in").read_text()
    assert "atom_style atomic" in text


def test_a_sum_over_all_cells_has_the_constant_of_madelung():
    salt = bulk("NaCl", "rocksalt", a=5.6)
    salt.set_initial_charges([1, -1])
    given = {"pair_style": "coul/long 8", "pair_coeff": ["* *"], "kspace_style": "ewald 1e-7"}
    found = static_job(salt, calc_kwargs=given)["results"]
    expected = -1.7475646 * units.Hartree * units.Bohr / 2.8
    assert found["energy"] == pytest.approx(expected, rel=1e-6)
    # The energy goes with the inverse length, so that the trace of the stress is its negative over the volume.
    assert found["stress"][:3].sum() == pytest.approx(-expected / salt.get_volume(), rel=1e-5)


def test_commands_reach_the_input_in_order():
    given = {
        "newton": "off",
        "special_bonds": "coul 0 0 0.5",
        "neighbor": "1.0 bin",
        "model_init": ["processors * * 1\n"],
    }
    result = static_job(crystal(), calc_kwargs={**LJ, **given, "model_post": ["neigh_modify once yes"]})
    lines = Path(result["dir_name"], "lammps.in").read_text().splitlines()
    order = ["newton off", "processors * * 1", "read_data lammps.data", "pair_style lj/cut 6", "pair_modify shift yes"]
    order += ["special_bonds coul 0 0 0.5", "neighbor 1.0 bin", "neigh_modify once yes", "run 0"]
    assert [line for line in lines if line in order] == order


def test_files_come_along(tmp_path, monkeypatch):
    source = Path("/usr/share/lammps/potentials/CuNi.eam.alloy")
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/own.eam.alloy").write_bytes(source.read_bytes())
    given = {"pair_style": "eam/alloy", "pair_coeff": ["* * own.eam.alloy Ni Cu"], "files": ["mine/own.eam.alloy"]}
    result = static_job(alloy(), calc_kwargs=given)
    assert result["results"]["energy"] == pytest.approx(energy_of(alloy()), abs=1e-10)
    files = {path.name for path in Path(result["dir_name"]).iterdir()}
    assert files >= {"lammps.in", "lammps.data", "lammps.log", "lammps.dump", "own.eam.alloy"}
    with change_settings(data_dirs={"lammps": "mine"}):
        done = run_static(alloy(), lammps.calculator(alloy(), {**given, "files": []}))
    assert done["results"]["energy"] == result["results"]["energy"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pair_style": None}, r"Which potential\? Give calc_kwargs={'pair_style': 'lj/cut 10'"),
        ({"pair_stile": "lj/cut 6"}, "Unknown argument of LAMMPS 'pair_stile'. Did you mean 'pair_style'"),
        ({"pair_coeff": "* * 0.1 2.3"}, r"pair_coeff is '\* \* 0.1 2.3'. Give a list"),
        ({"keep_alive": True}, "Unknown argument of LAMMPS 'keep_alive'"),
        ({"units": "lj"}, "Unknown units of LAMMPS 'lj'. Valid: "),
        ({"atom_style": "full"}, "Unknown atom_style 'full'. Valid: "),
        ({"files": ["nowhere.eam"]}, "files has .*nowhere.eam, and there is no such file"),
        ({"pair_coeff": ["* * a/b.eam Cu"]}, "has the path a/b.eam. Give it in `files`, and b.eam there"),
        ({"pair_coeff": ["* * b.eam Cu"]}, "no file b.eam in `files` or in .*ADATOM_DATA_DIRS__LAMMPS"),
        ({"pair_coeff": ["* * Ni.eam Ni"]}, "pair_coeff has Ni, and the structure has Cu besides"),
        ({"specorder": ["Ni"]}, "specorder has Ni, and the structure has Cu besides"),
        ({"pair_coeff": ["* * x.eam Cu Cu"]}, "pair_coeff has Cu Cu: each symbol once"),
        ({"model_post": ["minimize 0 1e-6 100 100"]}, "has 'minimize .*the run are those of the job"),
    ],
)
def test_bad_input_is_refused_before_the_run(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        lammps.calculator(bulk("Cu"), {**LJ, **arguments})


def test_charges_are_not_left_out():
    atoms = Atoms("NaCl", [(0, 0, 0), (0, 0, 3)], charges=(1, -1))
    with pytest.raises(InputError, match="have initial charges, and atom_style is 'atomic'"):
        lammps.calculator(atoms, {**LJ, "atom_style": "atomic"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pair_style": "lj/cutt 6"}, "lmp ended with exit status 1.*ERROR: .*lj/cutt"),
        ({"pair_coeff": ["* * 0.1"]}, "lmp ended with exit status 1.*ERROR: Incorrect args for pair coefficients"),
        ({"model_post": ["fix 1 all no/such/fix"]}, "ERROR: .*no/such/fix"),
        ({"pair_style": "lj/cut 25"}, "ERROR.*Neighbor list overflow.*Give model_post="),
        ({"model_post": ["group few id 1", "delete_atoms group few"]}, "LAMMPS has dumped 3 of 4 atoms"),
        ({"model_post": ["quit"]}, "lmp ended without a result.*quit"),
    ],
)
def test_a_failure_has_the_words_of_lammps_and_keeps_its_files(arguments, message):
    with pytest.raises(JobFailure, match=f"(?s)ProgramError.*{message}") as caught:
        static_job(crystal(), calc_kwargs={**LJ, **arguments})
    assert {path.name for path in Path(caught.value.failure.directory).glob("lammps.*")} >= {"lammps.in", "lammps.log"}


def test_a_broken_file_is_told(tmp_path):
    broken = tmp_path / "CuNi.eam.alloy"
    text = Path("/usr/share/lammps/potentials/CuNi.eam.alloy").read_text()
    broken.write_text(text[: len(text) // 2])
    with pytest.raises(JobFailure, match=r"(?s)ERROR.*CuNi\.eam\.alloy"):
        static_job(alloy(), calc_kwargs={**EAM, "files": [str(broken)]})


@contextmanager
def replaced(tmp_path, script):
    program = tmp_path / "lmp"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with change_settings(commands={"lammps": str(program)}):
        yield


def test_a_program_that_dies_or_is_not_there_is_told(tmp_path):
    with (
        replaced(tmp_path, "echo about to die\nkill -9 $$"),
        pytest.raises(ProgramError, match="(?s)lmp was killed by SIGKILL.*about to die"),
    ):
        run_static(crystal(), lammps.calculator(crystal(), LJ))
    with (
        change_settings(commands={"lammps": "/nowhere/lmp"}),
        pytest.raises(InputError, match="(?s)/nowhere/lmp is not there.*ADATOM_COMMANDS__LAMMPS.*apt-get install"),
    ):
        lammps.calculator(crystal(), LJ)


def test_a_static_is_one_run(tmp_path):
    with replaced(tmp_path, f'echo run >>$0.runs\nexec {shutil.which("lmp")} "$@"'):
        run_static(crystal(), lammps.calculator(crystal(), LJ), properties=["energy", "forces", "stress"])
    assert (tmp_path / "lmp.runs").read_text() == "run\n"


def test_the_ranks_are_those_of_the_job():
    one = static_job(sheared(), calc_kwargs=LJ)["results"]
    with job_context(resources=Resources(ranks_per_node=2)):
        other = run_static(sheared(), lammps.calculator(sheared(), LJ))
    grid = re.search(r"(\d+) by (\d+) by (\d+) MPI processor grid", Path(other["dir_name"], "lammps.log").read_text())
    assert np.prod([int(one) for one in grid.groups()]) == 2
    assert other["results"]["forces"] == pytest.approx(one["forces"], abs=1e-10)


def test_relaxed_copper():
    start = bulk("Cu", a=3.5)
    done = relax_job(start, relax_cell=True, fmax=0.001, calc_kwargs=EAM)
    assert done["atoms"].cell.cellpar()[0] * 2**0.5 == pytest.approx(
        3.615, abs=1e-3
    )  # Å; the potential is fitted to it
    assert done["results"]["energy"] == pytest.approx(-3.54, abs=1e-3)  # eV, likewise
