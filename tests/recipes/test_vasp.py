"""VASP, with the program that stands in for it: input, output, relaxation, failures."""

import os
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixBondLengths
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS

from adatom import JobFailure
from adatom.calculations import run_static
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.recipes.emt import eos_flow as emt_eos_flow
from adatom.recipes.vasp import ase_relax_job, eos_flow, relax_job, static_job, vasp
from tests import standins
from tests.standins.vasp import VALENCE, potcar


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    place = tmp_path / "bin"
    place.mkdir()
    for name in ("vasp_std", "vasp_gam", "vasp_ncl"):
        standins.install(name, place, "vasp")
    for symbol in VALENCE:
        folder = tmp_path / "potentials" / "potpaw_PBE" / symbol
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(potcar(symbol))
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    monkeypatch.setenv("VASP_PP_PATH", str(tmp_path / "potentials"))
    return place


def tags(result):
    lines = (Path(result["dir_name"]) / "INCAR").read_text().splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines if "=" in line)}


def by_emt(atoms):
    known = atoms.copy()
    known.calc = EMT()
    return known


def alloy():
    """Species that are not in VASP's order, out of place."""
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[[0, 2]] = "Au"
    atoms.rattle(0.1, seed=1)
    return atoms


def test_a_crystal(programs):
    result, known = static_job(alloy(), properties=["energy", "forces", "stress"]), by_emt(alloy())
    assert result["results"]["energy"] == pytest.approx(known.get_potential_energy(), abs=1e-6)
    assert result["results"]["forces"] == pytest.approx(known.get_forces(), abs=1e-6)
    assert result["results"]["stress"] == pytest.approx(known.get_stress(), abs=1e-6)
    assert (programs / "vasp_std.runs").read_text() == "run\n"
    assert tags(result).items() >= {"GGA": "PE", "KSPACING": "0.220000", "ISMEAR": "0", "LASPH": ".TRUE."}.items()


@pytest.mark.parametrize("relax_cell", [False, True])
@pytest.mark.parametrize("pressure", [0, 10])
def test_its_own_optimizer(relax_cell, pressure):
    if pressure and not relax_cell:
        pytest.skip("a pressure is for the cell")
    result = relax_job(alloy(), relax_cell=relax_cell, pressure=pressure, fmax=0.01)
    known = by_emt(alloy())
    scalar_pressure = pressure / 160.21766208
    BFGS(FrechetCellFilter(known, scalar_pressure=scalar_pressure) if relax_cell else known, logfile=None).run(0.01)
    assert result["results"]["energy"] == pytest.approx(known.get_potential_energy(), abs=2e-3)
    assert result["atoms"].cell.volume == pytest.approx(known.cell.volume, rel=1e-3)
    assert result["atoms"].positions == pytest.approx(known.positions, abs=0.02)
    assert list(result["atoms"].symbols) == list(alloy().symbols)
    assert np.abs(result["results"]["forces"]).max() < 0.01
    assert tags(result).items() >= {"IBRION": "2", "ISIF": "3" if relax_cell else "2", "EDIFFG": "-1.00e-02"}.items()


@pytest.mark.parametrize("relax_cell", [False, True])
def test_a_relaxation_is_one_run_of_vasp(relax_cell, programs):
    result = relax_job(alloy(), relax_cell=relax_cell)
    assert result["steps"] > 1
    assert (programs / "vasp_std.runs").read_text() == "run\n"
    left = read(Path(result["dir_name"]) / "POSCAR")[np.loadtxt(Path(result["dir_name"]) / "ase-sort.dat", int)[:, 1]]
    assert left.positions == pytest.approx(alloy().positions, abs=1e-8)  # the input is still that of the start


def test_too_few_steps_are_an_error():
    with pytest.raises(JobFailure, match="after 1 steps of the code's own optimizer"):
        relax_job(alloy(), fmax=1e-6, max_steps=2)


def test_what_is_fixed_stays():
    slab = fcc111("Cu", (1, 1, 4), vacuum=8)
    slab.rattle(0.05, seed=2)
    slab.set_constraint(FixAtoms([0, 1]))
    relaxed = relax_job(slab, preset="slab", fmax=0.02)["atoms"]
    assert relaxed.positions[:2] == pytest.approx(slab.positions[:2], abs=1e-8)
    assert np.abs(relaxed.positions[2:] - slab.positions[2:]).max() > 0.01
    assert list(relaxed.pbc) == [True, True, False]
    slab.set_constraint(FixBondLengths([(0, 1)]))
    with pytest.raises(JobFailure, match="VASP cannot hold what FixBondLengths holds: use ase_relax_job"):
        relax_job(slab)


def test_ase_moves_the_atoms():
    own = relax_job(alloy(), fmax=0.01)["atoms"]
    near = own.copy()  # each step is a run
    near.rattle(0.02, seed=2)
    near.positions += (own.positions - near.positions).mean(axis=0)
    assert near.positions != pytest.approx(own.positions, abs=5e-3)
    assert ase_relax_job(near, fmax=0.01)["atoms"].positions == pytest.approx(own.positions, abs=5e-3)


def test_a_left_handed_cell_is_turned():
    left = alloy()
    left.set_cell(left.cell.array[[1, 0, 2]])
    assert left.cell.handedness == -1
    assert static_job(left)["results"]["forces"] == pytest.approx(static_job(alloy())["results"]["forces"], abs=1e-6)
    relaxed = relax_job(left, relax_cell=True, fmax=0.02)["atoms"]
    assert relaxed.cell.handedness == -1
    assert np.linalg.norm(relaxed.cell.array - left.cell.array) < 0.5


def test_a_molecule_needs_the_gamma_program(programs, monkeypatch):
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")  # nothing else that stands in
    water = molecule("H2O", vacuum=4)
    assert static_job(water, preset="molecule")["results"]["energy"] == pytest.approx(
        by_emt(water).get_potential_energy(), abs=1e-6
    )
    assert (programs / "vasp_gam.runs").exists()
    (programs / "vasp_gam").unlink()
    static_job(water, preset="molecule")
    assert (programs / "vasp_std.runs").exists()


def test_moments_and_charges_reach_the_input():
    nickel = bulk("Ni", cubic=True)
    nickel.set_initial_magnetic_moments([0.6] * 4)
    result = static_job(nickel)
    assert tags(result).items() >= {"ISPIN": "2", "MAGMOM": "4*0.6000"}.items()
    assert result["results"]["magmom"] == pytest.approx(2.4)
    assert result["results"]["magmoms"] == pytest.approx([0.6] * 4)
    copper = bulk("Cu")
    copper.set_initial_charges([1])
    carried, said = static_job(copper), static_job(bulk("Cu"), calc_kwargs={"charge": 1})
    assert float(tags(carried)["NELECT"]) == float(tags(said)["NELECT"]) == VALENCE["Cu"] - 1
    vectors = Atoms("Ni", cell=bulk("Cu").cell, pbc=True, magmoms=[[0, 0, 1]])
    with pytest.raises(JobFailure, match="moments are vectors: set lnoncollinear=True"):
        static_job(vectors)


@pytest.fixture
def potentials_of_sets(tmp_path):
    for version in ("", ".64"):
        folder = tmp_path / "potentials" / f"potpaw_PBE{version}" / "Cu_pv"
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(potcar("Cu").replace("PAW_PBE Cu", "PAW_PBE Cu_pv"))


def test_a_set_for_relaxations_gives_a_static_or_a_relaxation(potentials_of_sets):
    copper = bulk("Cu", a=3.7)
    static = static_job(copper, preset="mp_gga_relax")
    assert static["atoms"].cell.volume == copper.cell.volume
    assert not {"IBRION", "ISIF", "EDIFFG"} & tags(static).keys()
    assert tags(static).items() >= {"NSW": "0", "ALGO": "Fast", "LREAL": "Auto"}.items()
    relaxed = relax_job(copper, preset="mp_gga_relax", relax_cell=True, fmax=0.01)
    assert relaxed["atoms"].cell.volume < copper.cell.volume - 0.5
    assert tags(relax_job(copper, preset="mp_gga_relax"))["ISIF"] == "2"


@pytest.mark.parametrize("preset", ["bulk", "mp_gga_static", "matpes_pbe_static"])
def test_a_flow(preset, potentials_of_sets):
    options = {"strains": [-0.1, -0.05, 0, 0.05, 0.1], "relax_ions": False}
    own = eos_flow(bulk("Cu"), **options, job_params={"all": {"preset": preset}})
    other = emt_eos_flow(bulk("Cu"), **options)
    assert own["eos"]["bulk_modulus"] == pytest.approx(other["eos"]["bulk_modulus"], rel=1e-3)
    grids = {(Path(job["dir_name"]) / "KPOINTS").read_text() for job in own["points"]}
    assert len(grids) == 1, "the number of k points changes with the volume"


@pytest.mark.parametrize(
    ("atoms", "arguments", "message"),
    [
        (bulk("Cu"), {"encutt": 400}, "Unknown argument of VASP 'encutt'. Did you mean 'encut'"),
        (molecule("H2O"), {}, "needs a cell of three vectors.*atoms.center"),
        (bulk("Fe"), {}, "There is no potential .*potpaw_PBE/Fe/POTCAR. Set ADATOM_DATA_DIRS__VASP"),
        (bulk("Cu"), {"setups": {"Cu": "_pv"}}, "There is no potential .*Cu_pv/POTCAR"),
    ],
)
def test_bad_input_is_refused(atoms, arguments, message, programs):
    with pytest.raises(JobFailure, match=message):
        static_job(atoms, calc_kwargs=arguments)
    assert not list(programs.glob("*.runs"))


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        ("scf", ConvergenceError, "The SCF of VASP did not converge in 100 steps. Raise nelm"),
        ("zbrent", ProgramError, "(?s)vasp_std ended with exit status 1.*ZBRENT.*go on from the last structure"),
        ("edddav", ProgramError, "(?s)EDDDAV.*algo='All'"),
        ("brmix", ProgramError, "(?s)BRMIX.*lost electrons"),
        ("memory", ProgramError, "(?s)insufficient virtual memory.*Give the job more memory"),
        ("truncated", ProgramError, "vasp_std ended before its end"),
        ("killed", ProgramError, "vasp_std was killed by SIGKILL"),
    ],
)
def test_failures(monkeypatch, failure, error, message):
    monkeypatch.setenv(standins.FAILURE, failure)
    with pytest.raises(error, match=message):
        run_static(bulk("Cu"), vasp.calculator(bulk("Cu")))


def test_vasp_is_not_there(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    with pytest.raises(InputError, match="(?s)vasp_std is not there.*ADATOM_COMMANDS__VASP.*vasp.at"):
        vasp.calculator(bulk("Cu"))


def test_all_atoms_are_there():
    """Atoms that VASP brings back into the cell come back where they were."""
    atoms = Atoms("Cu2", [(-0.1, 0, 0), (1.8, 1.8, 0.1)], cell=[3.6, 3.6, 3.6], pbc=True)
    relaxed = relax_job(atoms, fmax=0.05)["atoms"]
    assert np.abs(relaxed.positions - atoms.positions).max() < 1


def test_a_next_job_starts_with_the_moments_of_a_result(monkeypatch):
    nickel = bulk("Ni", cubic=True)
    nickel.symbols[2] = "Cu"
    nickel.rattle(0.05, seed=1)
    nickel.set_initial_magnetic_moments([2, 1.9, 0.4, -2])
    monkeypatch.setenv("STANDIN_MOMENTS", "0.3")  # of the initial ones
    settings = {"kspacing": 0.6}
    first = relax_job(nickel, fmax=0.2, calc_kwargs=settings)
    assert first["input_atoms"].get_initial_magnetic_moments().tolist() == [2, 1.9, 0.4, -2]
    # Those of VASP are 0.6, 0.57, 0.12 and -0.6.
    assert first["results"]["magmoms"] == pytest.approx([0.6, 0.57, 0.12, -0.6])
    assert first["atoms"].get_initial_magnetic_moments() == pytest.approx([0.585, 0.585, 0.12, -0.6])
    second = static_job(first["atoms"], calc_kwargs=settings)
    assert tags(second).items() >= {"ISPIN": "2", "MAGMOM": "2*0.5850 1*-0.6000 1*0.1200"}.items()


def test_moments_that_are_lost_are_no_moments_of_the_next_job(monkeypatch):
    nickel = bulk("Ni")
    nickel.set_initial_magnetic_moments([0.6])
    monkeypatch.setenv("STANDIN_MOMENTS", "0.01")
    settings = {"kspacing": 0.6}
    first = static_job(nickel, calc_kwargs=settings)
    assert not first["atoms"].get_initial_magnetic_moments().any()
    assert "MAGMOM" not in tags(static_job(first["atoms"], calc_kwargs=settings))
    with pytest.warns(UserWarning, match="LORBIT = 0"):  # VASP prints none of atoms
        kept = static_job(nickel, calc_kwargs={**settings, "lorbit": 0})
    assert kept["atoms"].get_initial_magnetic_moments() == [0.6]
