"""Symmetry of a crystal, by spglib."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.convert import right_handed
from adatom.atoms.equivalence import species_labels
from adatom.errors import InputError

__all__ = ["inequivalent_atoms", "keep_moments", "point_group", "symmetry_dataset"]


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


def symmetry_dataset(atoms: Atoms, symprec: float = 0.01, kinds: NDArray[np.int64] | None = None) -> Any:
    """Return spglib's ``SpglibDataset`` of a crystal with right-handed cell vectors: see `right_handed`.

    Parameters
    ----------
    atoms
        Crystal with its cell.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.
    kinds
        Number of the kind of each atom, shape (N,): an atom is brought only to the places of its kind. None: atoms of
        one element that differ in mass or initial magnetic moment are of different kinds.

    Raises
    ------
    InputError
        spglib finds no symmetry.
    """
    from spglib import SpglibError

    right, found = right_handed(atoms), None
    kinds = species_labels(right) if kinds is None else kinds
    try:  # spglib gives None or, where a package in this process has asked it to, raises
        found = _dataset(right.cell.array.tobytes(), right.get_scaled_positions().tobytes(), tuple(kinds), symprec)
    except SpglibError:
        pass
    if found is None:
        raise InputError(f"spglib finds no symmetry in {atoms!r}. Are atoms at one place?")
    return found


@lru_cache(maxsize=8)  # a large supercell has megabytes of operations
def _dataset(cell: bytes, positions: bytes, kinds: tuple[int, ...], symprec: float) -> Any:
    """Ask spglib, once for all steps of a flow that need the symmetry of one crystal: it takes 12 ms for copper."""
    from spglib import get_symmetry_dataset

    lattice, places = (np.frombuffer(data).reshape(-1, 3) for data in (cell, positions))
    return get_symmetry_dataset((lattice, places, np.array(kinds) + 1), symprec=symprec)


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
