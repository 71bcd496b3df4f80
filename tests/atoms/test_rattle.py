import pickle

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from adatom.atoms.rattle import rattle
from adatom.errors import InputError


def rng(seed=1):
    return np.random.default_rng(seed)


def test_displacements_have_the_deviation_that_was_asked_for():
    crystal = bulk("Cu", cubic=True) * (12, 12, 12)
    moves = rattle(crystal, 0.05, rng()).positions - crystal.positions
    assert moves.std() == pytest.approx(0.05, rel=0.02)  # of 20 736 numbers: four standard errors
    assert abs(moves.mean()) < 4 * 0.05 / np.sqrt(moves.size)


def test_the_input_and_its_results_stay_and_the_copy_has_none():
    atoms = bulk("Cu")
    atoms.calc = EMT()
    energy = atoms.get_potential_energy()
    atoms.info |= {"REF_energy": energy, "config_type": "bulk"}
    before = atoms.positions.copy()
    rattled = rattle(atoms, 0.1, rng())
    assert (rattled.calc, rattled.info) == (None, {"config_type": "bulk"})
    np.testing.assert_array_equal(atoms.positions, before)
    assert atoms.info["REF_energy"] == atoms.calc.results["energy"] == energy


def test_a_generator_gives_each_structure_another_displacement_and_the_same_one_again():
    atoms, stream = bulk("Cu"), rng()
    first, second = rattle(atoms, 0.1, stream), rattle(atoms, 0.1, stream)
    assert abs(first.positions - second.positions).max() > 1e-3
    np.testing.assert_array_equal(rattle(atoms, 0.1, rng()).positions, first.positions)


def test_atoms_that_are_held_stay():
    atoms = bulk("Cu", cubic=True)
    atoms.set_constraint(FixAtoms([0, 2]))
    moved = np.linalg.norm(rattle(atoms, 0.1, rng()).positions - atoms.positions, axis=1) > 0
    assert moved.tolist() == [False, True, False, True]


def test_the_strain_has_the_deviation_that_was_asked_for_and_is_no_turn():
    crystal, stream, gradients = bulk("Zn"), rng(), []
    for _ in range(3000):
        strained = rattle(crystal, 0.0, stream, cell_stdev=0.01)
        gradient = np.linalg.solve(crystal.cell.array, strained.cell.array).T
        np.testing.assert_allclose(gradient, gradient.T, atol=1e-12)
        np.testing.assert_allclose(strained.get_scaled_positions(), crystal.get_scaled_positions(), atol=1e-12)
        gradients.append(gradient)
    np.testing.assert_allclose(np.std(gradients, axis=0), 0.01, rtol=0.06)  # four standard errors
    np.testing.assert_allclose(np.mean(gradients, axis=0), np.eye(3), atol=1e-3)


def test_a_crystal_has_a_volume_under_any_strain():
    crystal, stream = bulk("Cu"), rng()
    assert min(rattle(crystal, 0.0, stream, cell_stdev=1.0).cell.volume for _ in range(200)) > 0


def test_a_strain_does_not_change_the_displacements():
    crystal = bulk("Cu", cubic=True)
    plain, strained = rattle(crystal, 0.1, rng()), rattle(crystal, 0.1, rng(), cell_stdev=0.05)
    moved = crystal.copy()
    moved.set_cell(strained.cell, scale_atoms=True)
    np.testing.assert_allclose(strained.positions - moved.positions, plain.positions - crystal.positions, atol=1e-12)


def test_it_can_be_sent_elsewhere():
    assert pickle.loads(pickle.dumps(rattle)) is rattle


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (bulk("Cu"), (-0.1, rng()), "stdev is -0.1"),
        (bulk("Cu"), (float("nan"), rng()), "stdev is nan"),
        (bulk("Cu"), (0.1, 1), r"rng is 1. Give a generator: numpy.random.default_rng\(1\)"),
        (bulk("Cu"), (0.1, rng(), -1), "cell_stdev is -1"),
        (molecule("H2O"), (0.1, rng(), 0.01), "periodic in three directions"),
    ],
)
def test_bad_input(atoms, arguments, said):
    with pytest.raises(InputError, match=said):
        rattle(atoms, *arguments)
