"""Symmetry of a crystal, by spglib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.convert import right_handed
from adatom.atoms.equivalence import species_labels
from adatom.errors import InputError

__all__ = ["ask_spglib", "inequivalent_atoms", "keep_moments", "point_group", "symmetry_dataset"]


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
    from spglib import get_symmetry_from_database

    found = symmetry_dataset(atoms, symprec)
    # Not those of the dataset: a supercell hides symmetries of its crystal.
    rotations = np.unique(get_symmetry_from_database(found.hall_number)["rotations"], axis=0)
    # spglib's rotations act on fractional coordinates, and the cell vectors are rows.
    conventional = np.linalg.inv(found.transformation_matrix).T @ right_handed(atoms).cell.array
    return conventional.T @ rotations @ np.linalg.inv(conventional.T)


def ask_spglib(function: Callable[[Any], Any], atoms: Atoms, kinds: NDArray[np.int64]) -> Any:
    """Return the answer of a function of spglib on a structure.

    Parameters
    ----------
    function
        Function of a cell as spglib takes it.
    atoms
        Structure with three cell vectors.
    kinds
        Number of the kind of each atom, shape (N,): spglib brings an atom only to the places of its kind.

    Raises
    ------
    InputError
        spglib finds no symmetry.
    """
    from spglib import SpglibError

    found = None
    try:  # spglib gives None or, where a package in this process has asked it to, raises
        found = function((atoms.cell.array, atoms.get_scaled_positions(), kinds + 1))
    except SpglibError:
        pass
    if found is None:
        raise InputError(f"spglib finds no symmetry in {atoms!r}. Are atoms at one place?")
    return found


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
    from spglib import get_symmetry_dataset

    right = right_handed(atoms)
    return ask_spglib(lambda cell: get_symmetry_dataset(cell, symprec=symprec), right, species_labels(right))


def keep_moments(atoms: Atoms, rotations: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each rotation whether it keeps the initial magnetic moments, or with time reversal does, shape (G,).

    Scalar moments have no direction, and each rotation keeps them.

    Parameters
    ----------
    atoms
        Structure whose moments may be vectors.
    rotations
        Proper and improper rotations in Cartesian coordinates, shape (G, 3, 3), that bring each atom to one with the
        same moment.
    """
    moments = np.atleast_2d(atoms.get_initial_magnetic_moments())
    if moments.shape != (len(atoms), 3) or not atoms.has("initial_magmoms"):
        return np.ones(len(rotations), dtype=bool)
    # A moment is an axial vector.
    images = np.einsum("g,gij,nj->gni", np.linalg.det(rotations), rotations, moments)
    kept: NDArray[np.bool_] = np.min([abs(images - sign * moments).max(axis=(1, 2)) for sign in (1, -1)], axis=0) < 1e-3
    return kept
