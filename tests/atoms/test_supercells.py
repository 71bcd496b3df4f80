import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from hypothesis import given
from hypothesis import strategies as st

from adatom.atoms.supercells import make_cubic_supercell, make_supercell
from adatom.errors import InputError
from tests.recipes.descriptions import CELLS, CHANGES

CUBIC = [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]


def energy(atoms):
    copy = atoms.copy()
    copy.calc = EMT()
    return copy.get_potential_energy()


@pytest.mark.parametrize("size", [2, (3, 2, 1), CUBIC, np.diag([1, 2, 3]), [[2, 1, 0], [0, 1, 1], [1, 0, 2]]])
def test_it_is_the_same_crystal(size):
    crystal = bulk("Cu")
    crystal.info = {"config_type": "bulk", "REF_energy": 1.0}
    crystal.set_initial_magnetic_moments([0.5])
    made = make_supercell(crystal, size)
    matrix = (
        {2: 2 * np.eye(3), (3, 2, 1): np.diag([3, 2, 1])}[size] if isinstance(size, int | tuple) else np.array(size)
    )
    np.testing.assert_allclose(made.cell.array, matrix @ crystal.cell.array, atol=1e-12)
    assert len(made) == round(np.linalg.det(matrix))
    assert energy(made) == pytest.approx(len(made) * energy(crystal), abs=1e-8)
    assert made.info == {"config_type": "bulk"}
    assert set(made.get_initial_magnetic_moments()) == {0.5}


@given(st.integers(0, 3), st.floats(1, 20))
def test_each_vector_is_as_long_as_asked_and_no_longer_than_needed(which, min_length):
    crystal = [bulk("Cu"), bulk("Zn"), bulk("NaCl", "rocksalt", 5.64), bulk("Ti", cubic=False)][which]
    made = make_supercell(crystal, min_length=min_length)
    lengths, before = made.cell.lengths(), crystal.cell.lengths()
    assert (lengths >= min_length - 1e-4).all()
    assert (lengths - before < min_length).all()


def test_only_periodic_directions_are_repeated_and_constraints_go_along():
    slab = fcc111("Cu", (1, 1, 3), vacuum=5)
    slab.set_constraint(FixAtoms([0]))
    for made in (make_supercell(slab, 2), make_supercell(slab, min_length=5)):
        assert len(made) == 12
        assert made.cell.lengths() == pytest.approx(slab.cell.lengths() * (2, 2, 1))
        assert [list(constraint.index) for constraint in made.constraints] == [[0, 3, 6, 9]]


FLAT = Atoms("Cu", cell=[[2, 0, 0], [0, 2, 0], [2, 2, 0]], pbc=True)


def test_a_cell_without_volume_is_no_crystal():
    with pytest.raises(InputError, match="periodic in three directions"):
        make_cubic_supercell(FLAT)


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (bulk("Cu"), {}, "size is None and min_length None. Give one of both"),
        (bulk("Cu"), {"size": 2, "min_length": 5}, "Give one of both"),
        (bulk("Cu"), {"size": 0}, "size is 0"),
        (bulk("Cu"), {"size": (-1, -1, 1)}, "size is"),
        (bulk("Cu"), {"size": 1.5}, "size is 1.5"),
        (bulk("Cu"), {"size": [[1, 0], [0]]}, "size is"),
        (bulk("Cu"), {"size": [[1, 0, 0], [1, 0, 0], [0, 0, 1]]}, "determinant above 0"),
        (bulk("Cu"), {"min_length": -1}, "min_length is -1"),
        (molecule("H2O"), {"min_length": 5}, "H2O is not periodic"),
        (molecule("H2O"), {"size": (2, 1, 1)}, "periodic cell vectors only"),
        (fcc111("Cu", (1, 1, 3), vacuum=5), {"size": (1, 1, 2)}, "periodic cell vectors only"),
        (fcc111("Cu", (1, 1, 3), vacuum=5), {"size": [[1, 0, 1], [0, 1, 0], [0, 0, 1]]}, "periodic cell vectors only"),
        (FLAT, {"size": 2}, "its cell vectors are"),
        (FLAT, {"size": [[1, 1, 0], [0, 1, 0], [0, 0, 1]]}, "its cell vectors are"),
        (FLAT, {"min_length": 5}, "its cell vectors are"),
        (bulk("Cu"), {"size": [[1, 2, 3], [2, 4, 6], [0, 0, 1]]}, "determinant above 0"),
        (bulk("Cu"), {"size": np.zeros((3, 3), int)}, "determinant above 0"),
    ],
)
def test_bad_sizes(atoms, arguments, said):
    with pytest.raises(InputError, match=said):
        make_supercell(atoms, **arguments)


def test_the_cell_of_copper_is_a_cube():
    for crystal in (bulk("Cu"), bulk("Cu", cubic=True)):
        supercell = make_cubic_supercell(crystal)
        assert len(supercell) == 108
        np.testing.assert_allclose(supercell.cell.array, 3 * 3.61 * np.eye(3), atol=1e-9)


@pytest.mark.parametrize("crystal", [bulk("Zn"), bulk("ZnS", "zincblende", a=5.41)])
def test_sizes_are_what_they_say_and_the_crystal_is_the_same(crystal):
    before = crystal.copy()
    supercell = make_cubic_supercell(crystal, min_length=8, min_atoms=30, max_atoms=120)
    assert 30 <= len(supercell) <= 120
    assert supercell.cell.lengths().min() >= 8
    assert supercell.get_volume() / len(supercell) == pytest.approx(crystal.get_volume() / len(crystal))
    times = supercell.cell.array @ np.linalg.inv(crystal.cell.array)
    np.testing.assert_allclose(times, times.round(), atol=1e-9)
    assert crystal == before


def test_magnetic_moments_are_repeated():
    iron = bulk("Fe", cubic=True)
    iron.set_initial_magnetic_moments([2.0, -2.0])
    moments = make_cubic_supercell(iron, min_length=5, min_atoms=16).get_initial_magnetic_moments()
    assert sorted(moments) == [-2.0] * (len(moments) // 2) + [2.0] * (len(moments) // 2)


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (molecule("H2O"), {}, "periodic in three directions"),
        (bulk("Cu"), {"max_atoms": 90}, "no supercell is found of 80 to 90 atoms that is 10.0 Å long.*Raise max_atoms"),
        (bulk("Cu"), {"min_length": 0}, "min_length is 0"),
        (bulk("Cu"), {"min_atoms": 100, "max_atoms": 50}, "min_atoms is 100 and max_atoms 50"),
    ],
)
def test_bad_input_for_a_cube(atoms, arguments, said):
    with pytest.raises(InputError, match=said):
        make_cubic_supercell(atoms, **arguments)


@pytest.mark.parametrize("change", ["sheared", "left_handed"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_cube_does_not_depend_on_the_cell(cell, change):
    layers = bulk("Cu", a=3.85, cubic=True)
    layers.symbols[layers.positions[:, 2] > 1] = "Au"
    sizes = {"min_length": 5, "min_atoms": 20}
    cube, other = (make_cubic_supercell(atoms, **sizes) for atoms in (layers, CHANGES[change](CELLS[cell](layers))))
    assert len(other) == len(cube)
    times = other.cell.array @ np.linalg.inv(cube.cell.array)
    np.testing.assert_allclose(times, times.round(), atol=1e-6)
