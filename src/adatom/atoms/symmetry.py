"""Symmetry of a crystal, by spglib."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.equivalence import species_labels
from adatom.errors import InputError

__all__ = ["point_group"]


def point_group(atoms: Atoms, symprec: float = 0.01) -> NDArray[np.float64]:
    """Return the rotations that bring a crystal to itself, as spglib finds them.

    Parameters
    ----------
    atoms
        Crystal with its cell. Atoms with other initial magnetic moments, or other masses, count as other species.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Returns
    -------
    ndarray
        Proper and improper rotations in Cartesian coordinates, shape (G, 3, 3): they act on column vectors.

    Raises
    ------
    InputError
        spglib finds no symmetry.
    """
    from spglib import SpglibError, get_symmetry, standardize_cell

    crystal: Any = (atoms.cell.array, atoms.get_scaled_positions(), species_labels(atoms) + 1)
    # A supercell hides symmetries of its crystal.
    primitive = found = None
    try:  # spglib gives None or, where a package in this process has asked it to, raises
        primitive = standardize_cell(crystal, to_primitive=True, no_idealize=True, symprec=symprec)
        found = None if primitive is None else get_symmetry(primitive, symprec=symprec)
    except SpglibError:
        pass
    if primitive is None or found is None:
        raise InputError(f"spglib finds no symmetry in {atoms!r} with symprec={symprec!r}. Are atoms at one place?")
    # spglib's rotations act on fractional coordinates, and the cell vectors are rows.
    cell = np.asarray(primitive[0])
    rotations = cell.T @ found["rotations"] @ np.linalg.inv(cell.T)
    return np.unique(rotations.round(12), axis=0)
