"""Symmetry of a crystal, by spglib."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.convert import right_handed
from adatom.atoms.equivalence import species_labels
from adatom.errors import InputError

__all__ = ["inequivalent_atoms", "point_group", "symmetry_dataset"]


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


def inequivalent_atoms(atoms: Atoms, symprec: float = 0.01) -> list[int]:
    """Return the numbers of atoms that no symmetry takes to one another, the first of each kind.

    Parameters
    ----------
    atoms
        Crystal with its cell. Atoms of one element that differ in mass or initial magnetic moment are not equivalent.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Raises
    ------
    InputError
        spglib finds no symmetry.
    """
    found = symmetry_dataset(atoms, symprec)
    return np.unique(found.equivalent_atoms).tolist()


def symmetry_dataset(atoms: Atoms, symprec: float = 0.01) -> Any:
    """Return spglib's ``SpglibDataset`` of a crystal with right-handed cell vectors: see `right_handed`.

    Parameters
    ----------
    atoms
        Crystal with its cell. Atoms of one element that differ in mass or initial magnetic moment count as other
        species.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Raises
    ------
    InputError
        spglib finds no symmetry.
    """
    from spglib import SpglibError, get_symmetry_dataset

    right = right_handed(atoms)
    crystal = (right.cell.array, right.get_scaled_positions(), species_labels(right) + 1)
    try:  # spglib gives None or, where a package in this process has asked it to, raises
        found = get_symmetry_dataset(crystal, symprec=symprec)
    except SpglibError:
        found = None
    if found is None:
        raise InputError(f"spglib finds no symmetry in {atoms!r} with symprec={symprec!r}. Are atoms at one place?")
    return found
