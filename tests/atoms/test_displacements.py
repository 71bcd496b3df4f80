import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.constraints import FixAtoms

from adatom.atoms.displacements import find_supercell, make_displaced, make_undisplaced
from adatom.errors import InputError

ZINC = Atoms(
    "Zn2", scaled_positions=[(1 / 3, 2 / 3, 1 / 4), (2 / 3, 1 / 3, 3 / 4)], cell=[2.66, 2.66, 4.95, 90, 90, 120]
)
ZINC.pbc = True


def oblique() -> Atoms:
    """Copper, its third cell vector far from the shortest."""
    atoms = bulk("Cu")
    atoms.set_cell(np.array([[1, 0, 0], [0, 1, 0], [2, 1, 1]]) @ atoms.cell.array)
    return atoms


def nearest_image(cell: np.ndarray) -> float:
    steps = np.array([step for step in itertools.product(range(-4, 5), repeat=3) if any(step)])
    return np.linalg.norm(steps @ cell, axis=1).min()


@pytest.mark.parametrize("atoms", [bulk("Cu"), bulk("Cu", cubic=True), ZINC, oblique()])
def test_images_are_as_far_as_asked_and_no_repetition_fewer_would_do(atoms):
    matrix = find_supercell(atoms, min_length=10)
    repeated = np.diag(matrix)
    assert (matrix == np.diag(repeated)).all()
    assert nearest_image(matrix @ atoms.cell.array) >= 10
    assert nearest_image(np.diag(repeated - 1) @ atoms.cell.array) < 10


def test_copper_of_20_angstrom():
    assert find_supercell(bulk("Cu")).tolist() == np.diag([8, 8, 8]).tolist()  # 2.55 Å from atom to atom


@pytest.mark.parametrize("given", [[2, 1, 3], np.diag([2, 1, 3]), [[2, 0, 0], [0, 1, 0], [0, 0, 3]]])
def test_a_matrix_is_taken_as_it_is(given):
    assert find_supercell(bulk("Cu"), given).tolist() == np.diag([2, 1, 3]).tolist()


@pytest.mark.parametrize("given", [[2, 2], [2.0, 2.0, 2.0], [0, 2, 2], [-1, 1, 1], [[1, 1, 1]] * 3, "222"])
def test_what_is_no_supercell(given):
    with pytest.raises(InputError, match="supercell_matrix is .* Give three integers above 0"):
        find_supercell(bulk("Cu"), given)


def test_what_has_none():
    with pytest.raises(InputError, match="periodic in three directions"):
        find_supercell(molecule("H2O"))
    with pytest.raises(InputError, match="min_length is -1"):
        find_supercell(bulk("Cu"), None, -1)


def test_a_supercell_keeps_what_atoms_have():
    atoms = bulk("Fe", cubic=True)
    atoms.set_initial_magnetic_moments([2.0, -2.0])
    atoms.set_masses([56.0, 57.0])
    atoms.set_constraint(FixAtoms([0]))
    supercell = make_undisplaced(atoms, [2, 2, 2])
    assert len(supercell) == 16
    assert supercell.get_volume() == pytest.approx(8 * atoms.get_volume())
    assert not supercell.constraints
    corner = np.abs(supercell.positions / (atoms.cell[0, 0] / 2) % 2).max(axis=1) < 1e-6
    assert (supercell.get_initial_magnetic_moments() == np.where(corner, 2.0, -2.0)).all()
    assert (supercell.get_masses() == np.where(corner, 56.0, 57.0)).all()


@pytest.mark.parametrize("atoms", [bulk("Cu"), bulk("Cu", cubic=True), ZINC, bulk("Si")])
@pytest.mark.parametrize(
    "matrix", [[2, 2, 2], [2, 1, 1], [[2, 1, 0], [0, 2, 0], [0, 0, 1]], [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]]
)
@pytest.mark.filterwarnings("ignore:Warning. Point group symmetries")
def test_displaced_are_as_many_as_phonopy_finds_in_the_supercell(atoms, matrix):
    """Also where the supercell has less symmetry than the crystal."""
    from phonopy import Phonopy

    from adatom.atoms.convert import to_phonopy

    before = atoms.copy()
    supercell, displaced = make_undisplaced(atoms, matrix), make_displaced(atoms, matrix, distance=0.02)
    assert atoms == before
    moved = [np.linalg.norm(structure.positions - supercell.positions, axis=1) for structure in displaced]
    assert np.sort(moved)[:, -1] == pytest.approx(0.02)
    assert not np.sort(moved)[:, :-1].any()
    phonopy = Phonopy(to_phonopy(atoms), find_supercell(atoms, matrix), "P")
    phonopy.generate_displacements()
    assert len(displaced) == len(phonopy.supercells_with_displacements)
    assert np.allclose(supercell.positions, phonopy.supercell.positions)


def test_no_distance():
    with pytest.raises(InputError, match="distance is 0. Give a length"):
        make_displaced(bulk("Cu"), [2, 2, 2], distance=0)
