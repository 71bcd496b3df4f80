"""Primitive cell of a crystal."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from adatom.atoms.constraints import spread_constraints
from adatom.atoms.convert import right_handed
from adatom.atoms.equivalence import species_labels
from adatom.atoms.symmetry import symmetry_dataset

__all__ = ["primitive_cell"]

# Vectors of the primitive cell, as rows in those of the conventional one, by the letter of the space group: those of
# spglib, https://spglib.readthedocs.io/en/stable/definition.html#transformation-to-a-primitive-cell
_CENTRING = {
    "A": np.array([[2, 0, 0], [0, 1, 1], [0, -1, 1]]) / 2,
    "C": np.array([[1, -1, 0], [1, 1, 0], [0, 0, 2]]) / 2,
    "F": np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2,
    "I": np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2,
    "R": np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3,
}


def primitive_cell(atoms: Atoms, symprec: float = 0.01) -> Atoms:
    """Return a crystal in the primitive cell of its standard setting, whatever cell it is given in.

    Parameters
    ----------
    atoms
        Crystal with its cell; it is not changed. Atoms that differ in element, mass, initial magnetic moment or
        initial charge are different atoms.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Returns
    -------
    Atoms
        Crystal in its own orientation, in a right-handed cell of the vectors that spglib takes for the standard ones.
        Of atoms that a translation makes equal it has the first, with all that this one has.

    Raises
    ------
    InputError
        spglib finds no symmetry, or a constraint is not one of atoms and Cartesian directions.
    """
    right = right_handed(atoms)
    marks = np.column_stack([species_labels(right), right.get_initial_charges().round(3)])
    kinds = np.unique(marks, axis=0, return_inverse=True)[1].ravel()
    found = symmetry_dataset(right, symprec, kinds)
    centring = _CENTRING.get(found.international[0], np.eye(3))
    rows = centring @ np.linalg.inv(found.transformation_matrix).T @ right.cell.array
    first = np.sort(np.unique(found.mapping_to_primitive, return_index=True)[1])
    free = right.copy()
    free.set_constraint()
    smaller: Atoms = free[first]
    smaller.set_cell(rows)
    spread_constraints(smaller, right, first.tolist())
    return smaller
