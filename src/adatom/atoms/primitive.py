"""Primitive cell of a crystal."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms

from adatom.atoms.constraints import spread_constraints
from adatom.atoms.convert import right_handed
from adatom.atoms.equivalence import species_labels
from adatom.atoms.symmetry import ask_spglib

__all__ = ["primitive_cell"]


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
    from spglib import get_symmetry_dataset, standardize_cell

    def ask(cell: Any) -> Any:
        rows = standardize_cell(cell, to_primitive=True, no_idealize=True, symprec=symprec)
        found = rows and get_symmetry_dataset(cell, symprec=symprec)
        return found and (rows[0], found.mapping_to_primitive)

    right = right_handed(atoms)
    marks = np.column_stack([species_labels(right), right.get_initial_charges().round(3)])
    rows, images = ask_spglib(ask, right, np.unique(marks, axis=0, return_inverse=True)[1].ravel())
    first = np.sort(np.unique(images, return_index=True)[1])
    free = right.copy()
    free.set_constraint()
    smaller: Atoms = free[first]
    smaller.set_cell(rows)
    spread_constraints(smaller, right, first.tolist())
    return smaller
