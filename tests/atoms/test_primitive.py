"""One primitive cell, whatever cell is given."""

import numpy as np
import pytest
import spglib
from ase.build import bulk
from ase.constraints import FixAtoms, FixSymmetry
from ase.spacegroup import crystal

from adatom.atoms.primitive import primitive_cell
from adatom.atoms.symmetry import symmetry_dataset
from adatom.errors import InputError
from tests.recipes.descriptions import CELLS, CHANGES

SPACE_GROUPS = {
    "rhombohedral": (["Al", "O"], [(0, 0, 0.352), (0.306, 0, 0.25)], 167, [4.76, 4.76, 12.99, 90, 90, 120]),
    "chiral": (["Si", "O"], [(0.47, 0, 0), (0.41, 0.27, 0.12)], 152, [4.9, 4.9, 5.4, 90, 90, 120]),
    "monoclinic": (["Cu", "Al"], [(0.1, 0.2, 0.3), (0, 0, 0.5)], 12, [5, 4, 6, 90, 105, 90]),
}
CRYSTALS = {"fcc": bulk("Cu"), "hcp": bulk("Zn")}
for name, (symbols, basis, number, cell) in SPACE_GROUPS.items():
    CRYSTALS[name] = crystal(symbols, basis, spacegroup=number, cellpar=cell)


def standing(atoms):
    """The cell in the standard orientation."""
    smallest = primitive_cell(atoms)
    assert smallest.cell.handedness == 1
    return smallest, smallest.cell.array @ symmetry_dataset(atoms).std_rotation_matrix.T


@pytest.mark.parametrize("change", CHANGES | CELLS)
@pytest.mark.parametrize("name", CRYSTALS)
def test_it_does_not_depend_on_the_cell(name, change):
    smallest, cell = standing(CRYSTALS[name])
    other, other_cell = standing((CHANGES | CELLS)[change](CRYSTALS[name]))
    np.testing.assert_allclose(other_cell, cell, atol=1e-6)
    assert sorted(other.symbols) == sorted(smallest.symbols)


@pytest.mark.parametrize(
    "number", [1, 2, 5, 8, 12, 20, 23, 38, 42, 43, 69, 79, 82, 139, 146, 155, 160, 166, 196, 197, 225]
)
def test_its_vectors_are_those_of_spglib(number):
    """One space group or more of each centring in each lattice system."""
    angles = (
        [75, 80, 95] if number < 3 else [90, 101, 90] if number < 16 else [90, 90, 120 if 143 <= number < 195 else 90]
    )
    lengths = [5, 6, 7] if number < 75 else [5, 5, 7] if number < 195 else [5, 5, 5]
    given = crystal(
        ["Cu", "O"], [(0.11, 0.23, 0.37), (0.41, 0.07, 0.19)], spacegroup=number, cellpar=[*lengths, *angles]
    )
    given.rotate(37, (1, 2, 3), rotate_cell=True)
    cell = given.cell.array, given.get_scaled_positions(), given.numbers
    rows, _, kinds = spglib.standardize_cell(cell, to_primitive=True, no_idealize=True, symprec=0.01)
    smallest = primitive_cell(given)
    np.testing.assert_allclose(smallest.cell.array, rows, atol=1e-9)
    assert len(smallest) == len(kinds)


@pytest.mark.parametrize("name", ["initial_magmoms", "initial_charges", "masses"])
def test_atoms_that_differ_are_kept(name):
    iron = bulk("Fe", cubic=True)
    assert len(primitive_cell(iron)) == 1
    iron.set_array(name, np.array([1.0, 2.0]))
    assert sorted(primitive_cell(iron).arrays[name]) == [1.0, 2.0]


def test_constraints_are_kept_or_refused():
    copper = bulk("Cu", cubic=True) * (2, 1, 1)
    copper.set_constraint(FixAtoms(range(8)))
    assert list(primitive_cell(copper).constraints[0].index) == [0]
    copper.set_constraint(FixSymmetry(copper))
    with pytest.raises(InputError, match="the constraint FixSymmetry"):
        primitive_cell(copper)
