import pickle
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.filters import UnitCellFilter
from ase.io import read
from ase.optimize import FIRE

from adatom.calculations import run_optimize
from adatom.calculations.optimize import CELL_FILTERS, OPTIMIZERS
from adatom.errors import ConvergenceError, InputError, UnknownNameError


def test_energy_of_the_relaxed_crystal(distorted):
    before = distorted.copy()
    result = run_optimize(distorted, EMT())
    assert result["results"]["energy"] == pytest.approx(-0.045446842063617, rel=1e-6)
    assert result["converged"] is True
    assert np.linalg.norm(result["results"]["forces"], axis=1).max() < 0.01
    assert distorted == before == result["input_atoms"]
    assert distorted.calc is None
    assert result["atoms"].calc is None
    assert result["atoms"] != before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_finds_the_minimum(name, distorted):
    result = run_optimize(distorted, EMT(), optimizer=name)
    assert result["results"]["energy"] == pytest.approx(-0.045447, abs=1e-4)
    assert result["parameters"]["optimizer"] in (name, "BFGSLineSearch")  # QuasiNewton is its other name
    # the properties are those of the final structure, also where a line search ended elsewhere
    again = result["atoms"].copy()
    again.calc = EMT()
    np.testing.assert_allclose(result["results"]["forces"], again.get_forces(), atol=1e-10)
    # some optimizers keep their last structure out of the trajectory, none keeps the first out
    assert read(result["trajectory"], 0).positions == pytest.approx(distorted.positions)


@pytest.mark.parametrize("name", CELL_FILTERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_cell_filter_finds_the_lattice_constant(name):
    # A face-centred cubic crystal of Lennard-Jones atoms with many neighbours: a = 2^(2/3) (A12/A6)^(1/6) sigma with
    # the lattice sums A12 = 12.13188 and A6 = 14.45392; Kittel, Introduction to Solid State Physics, chapter 3.
    sigma = 2.5
    lattice_constant = np.sqrt(2) * (2 * 12.13188 / 14.45392) ** (1 / 6) * sigma
    calculator = LennardJones(sigma=sigma, epsilon=0.1, rc=8 * sigma)
    result = run_optimize(
        bulk("Ar", "fcc", lattice_constant * 1.02), calculator, relax_cell=True, cell_filter=name, fmax=1e-4
    )
    assert result["atoms"].cell.cellpar()[0] * np.sqrt(2) == pytest.approx(lattice_constant, rel=2e-3)
    assert result["parameters"]["cell_filter"] == name


def test_classes_are_accepted(distorted):
    result = run_optimize(
        distorted,
        EMT(),
        optimizer=FIRE,
        optimizer_kwargs={"dt": 0.05},
        relax_cell=True,
        cell_filter=UnitCellFilter,
        fmax=0.05,
    )
    assert result["parameters"]["optimizer"] == "FIRE"
    assert result["parameters"]["optimizer_kwargs"] == {"dt": 0.05}
    assert np.abs(result["results"]["stress"]).max() < 0.05


def test_the_trajectory_and_the_log_have_each_step(distorted):
    result = run_optimize(distorted, EMT())
    frames = read(result["trajectory"], ":")
    assert len(frames) == result["steps"] + 1
    assert frames[-1].get_potential_energy() == pytest.approx(result["results"]["energy"], abs=1e-12)
    log = (Path(result["dir_name"]) / "relax.log").read_text()
    assert len(log.splitlines()) == len(frames) + 1
    assert {path.name for path in Path(result["dir_name"]).iterdir()} == {"relax.log", "relax.traj"}


def test_out_of_steps_is_a_failure(distorted, results_dir):
    with pytest.raises(ConvergenceError, match=r"fmax=0.01.*2 steps.*allow_unconverged"):
        run_optimize(distorted, EMT(), max_steps=2)
    (left,) = results_dir.iterdir()
    assert left.name.startswith("failed-relax")
    assert "ConvergenceError" in (left / "error.txt").read_text()
    assert len(read(left / "relax.traj", ":")) == 3


def test_out_of_steps_can_be_accepted_and_shows(distorted):
    result = run_optimize(distorted, EMT(), max_steps=2, allow_unconverged=True)
    assert result["converged"] is False
    assert result["steps"] == 2
    assert (Path(result["dir_name"]) / "UNCONVERGED").exists()


def test_the_result_is_light():
    atoms = bulk("Cu") * (3, 3, 3)
    atoms.rattle(0.1, seed=3)
    assert len(pickle.dumps(run_optimize(atoms, EMT()))) < 8000


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"optimizer": "bfgs"}, UnknownNameError, "Did you mean 'BFGS'"),
        ({"optimizer": 3}, UnknownNameError, "FIRE"),
        ({"relax_cell": True, "cell_filter": "Frechet"}, UnknownNameError, "FrechetCellFilter"),
        ({"fmax": -0.01}, InputError, "fmax is -0.01"),
        ({"max_steps": 0}, InputError, "max_steps is 0"),
        ({"name": "a/b"}, InputError, "'a/b'"),
    ],
)
def test_bad_arguments_are_refused_before_a_directory_is_made(arguments, error, said, results_dir):
    with pytest.raises(error, match=said):
        run_optimize(bulk("Cu"), EMT(), **arguments)
    assert not results_dir.exists()


def test_the_cell_of_a_molecule_cannot_be_relaxed(results_dir):
    with pytest.raises(InputError, match="relax_cell needs a periodic"):
        run_optimize(molecule("H2O"), EMT(), relax_cell=True)
    assert not results_dir.exists()


def test_unknown_arguments_of_the_optimizer_are_named(distorted):
    with pytest.raises(InputError, match=r"BFGS.*maxsteps"):
        run_optimize(distorted, EMT(), optimizer_kwargs={"maxsteps": 3})


@pytest.mark.parametrize("relax_cell", [False, True])
@pytest.mark.parametrize("calculator", [EMT, LennardJones])
@pytest.mark.parametrize("optimizer", ["BFGS", "FIRE", "LBFGS"])
def test_atoms_at_the_same_place_are_the_cause_that_is_named(optimizer, calculator, relax_cell):
    """Not what linear algebra makes of numbers that are none."""
    together = bulk("Cu", cubic=True)
    together.positions[1] = together.positions[0]
    with np.errstate(all="ignore"), pytest.raises(ConvergenceError, match=r"not a number. Are atoms at the same place"):
        run_optimize(together, calculator(), relax_cell=relax_cell, optimizer=optimizer, max_steps=20)


@pytest.mark.parametrize("pressure", [10.0, -3.0])
def test_under_pressure_the_stress_is_the_pressure(pressure):
    """And the volume is the one at which the energy's derivative is the pressure, by another way."""
    result = run_optimize(bulk("Cu", cubic=True), EMT(), relax_cell=True, pressure=pressure, fmax=1e-4)
    stress = result["results"]["stress"] / units.GPa
    np.testing.assert_allclose(stress, [-pressure] * 3 + [0] * 3, atol=2e-3)
    assert result["parameters"]["pressure"] == pressure
    energies = []
    for scale in (0.999, 1.001):
        atoms = result["atoms"].copy()
        atoms.set_cell(atoms.cell * scale ** (1 / 3), scale_atoms=True)
        atoms.calc = EMT()
        energies.append(atoms.get_potential_energy())
    slope = (energies[1] - energies[0]) / (0.002 * result["atoms"].get_volume())
    assert -slope / units.GPa == pytest.approx(pressure, rel=1e-3)


def slope(strained, direction):
    """The stress by a strain along one component, in GPa."""
    stresses = []
    for size in (1e-4, -1e-4):
        atoms = strained.copy()
        change = np.eye(3) + size / 2 * (direction + direction.T)
        atoms.set_cell(atoms.cell @ change, scale_atoms=True)
        atoms.calc = EMT()
        stresses.append(atoms.get_stress(voigt=False) / units.GPa)
    return (stresses[0] - stresses[1]) / 2e-4


@pytest.mark.parametrize("pressure", [[[0.02, 0.01, 0], [0.01, 0, 0], [0, 0, -0.03]], [0.02, 0, -0.03, 0, 0, 0.01]])
def test_a_tensor_of_pressure_strains_a_cell_by_its_elastic_constants(pressure):
    free = run_optimize(bulk("Cu", cubic=True), EMT(), relax_cell=True, fmax=1e-6)["atoms"]
    result = run_optimize(free, EMT(), relax_cell=True, pressure=pressure, fmax=1e-5)
    tensor = [[0.02, 0.01, 0], [0.01, 0, 0], [0, 0, -0.03]]
    np.testing.assert_allclose(
        result["results"]["stress"], -units.GPa * np.array([0.02, 0, -0.03, 0, 0, 0.01]), atol=1e-6
    )
    assert result["parameters"]["pressure"] == tensor
    along, across = slope(free, np.diag([1.0, 0, 0])), slope(free, np.array([[0, 1.0, 0], [0, 0, 0], [0, 0, 0]]))
    (c11, c12), c44 = along.diagonal()[:2], across[0, 1]
    stress = -np.array(tensor)
    by_hand = stress / (2 * c44)
    np.fill_diagonal(by_hand, (stress.diagonal() - c12 / (c11 + 2 * c12) * np.trace(stress)) / (c11 - c12))
    strain = np.linalg.solve(free.cell.array, result["atoms"].cell.array) - np.eye(3)
    np.testing.assert_allclose((strain + strain.T) / 2, by_hand, rtol=5e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"pressure": np.triu(np.ones((3, 3))), "relax_cell": True}, "a symmetric tensor"),
        ({"pressure": [1.0, 2.0, 3.0], "relax_cell": True}, "a symmetric tensor"),
        (
            {"pressure": np.eye(3), "relax_cell": True, "optimizer": "BFGSLineSearch"},
            "BFGSLineSearch compares energies",
        ),
        ({"pressure": np.eye(3), "relax_cell": True, "cell_filter": "StrainFilter"}, "StrainFilter takes no pressure"),
        ({"pressure": 5.0}, "the cell stays as it is. Set relax_cell=True"),
        ({"pressure": float("nan"), "relax_cell": True}, "Give a number in GPa"),
        ({"pressure": "5 GPa", "relax_cell": True}, "Give a number in GPa"),
        ({"pressure": 5.0, "relax_cell": True, "cell_filter": "StrainFilter"}, "StrainFilter takes no pressure"),
    ],
)
def test_a_pressure_that_would_do_nothing_is_refused(arguments, said, tmp_path):
    with pytest.raises((InputError, UnknownNameError), match=said):
        run_optimize(bulk("Cu"), EMT(), **arguments)
    assert not list(tmp_path.rglob("*.traj"))
