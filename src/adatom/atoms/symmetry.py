"""Symmetry of a crystal, by spglib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from adatom.errors import InputError

__all__ = ["ask_spglib", "keep_moments", "kinds_of", "point_group"]


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
    from spglib import get_symmetry, standardize_cell

    def ask(crystal: Any) -> Any:
        # A supercell hides symmetries of its crystal.
        primitive = standardize_cell(crystal, to_primitive=True, no_idealize=True, symprec=symprec)
        found = primitive and get_symmetry(primitive, symprec=symprec)
        return found and (primitive[0], found["rotations"])

    # spglib's rotations act on fractional coordinates, and the cell vectors are rows.
    cell, found = ask_spglib(ask, atoms, kinds_of(atoms))
    rotations = cell.T @ found @ np.linalg.inv(cell.T)
    return np.unique(rotations.round(12), axis=0)


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
        found = function((atoms.cell.array, atoms.get_scaled_positions(), kinds))
    except SpglibError:
        pass
    if found is None:
        raise InputError(f"spglib finds no symmetry in {atoms!r}. Are atoms at one place?")
    return found


def kinds_of(atoms: Atoms, *more: ArrayLike) -> NDArray[np.int64]:
    """Return a number for each atom, which is the same for atoms that symmetry may exchange, shape (N,), from 1.

    Parameters
    ----------
    atoms
        Structure whose atoms differ in element, mass or initial magnetic moment.
    more
        Further numbers in which atoms differ, shape (N,) each.
    """
    marks = np.column_stack([atoms.numbers, atoms.get_masses(), atoms.get_initial_magnetic_moments(), *more])
    _, kinds = np.unique(marks.round(6), axis=0, return_inverse=True)
    return kinds.ravel() + 1


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
