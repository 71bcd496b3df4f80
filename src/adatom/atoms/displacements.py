"""Supercells of a crystal for phonons, with one atom displaced and with none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.geometry import minkowski_reduce
from numpy.typing import ArrayLike, NDArray

from adatom.atoms.convert import to_phonopy
from adatom.atoms.deformations import check_crystal
from adatom.atoms.phonopy_model import phonopy_model
from adatom.errors import InputError

__all__ = ["find_supercell", "make_displaced", "make_undisplaced", "take_sites"]


def find_supercell(
    atoms: Atoms, supercell_matrix: Sequence[int] | Sequence[Sequence[int]] | None = None, min_length: float = 20.0
) -> NDArray[np.int64]:
    """Return the matrix of the supercell that is computed.

    Parameters
    ----------
    atoms
        Crystal that the supercell is made of; it is not changed.
    supercell_matrix
        Numbers of repetitions of each cell vector, or phonopy's matrix of integers, whose columns are the vectors of
        the supercell in units of those of the cell. None: the least repetition that `min_length` allows.
    min_length
        Least distance in Å of an atom from its own image.

    Returns
    -------
    ndarray
        Matrix of integers, shape (3, 3).

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, or there is no such supercell.
    """
    check_crystal(atoms, "A supercell is made of a crystal")
    if supercell_matrix is not None:
        return _as_matrix(supercell_matrix)
    if not 0 < min_length < np.inf:
        raise InputError(f"min_length is {min_length!r}. Give a length in Å above 0.")
    length = min_length
    while True:
        repeated = np.ceil(length / atoms.cell.lengths() - 1e-6).astype(int)
        reduced, _ = minkowski_reduce(atoms.cell.array * repeated[:, None])
        nearest = np.linalg.norm(reduced, axis=1).min()
        if nearest > min_length * (1 - 1e-6):
            return np.diag(repeated)
        length *= 1.05  # the vectors of an oblique cell are longer than the distance of an atom from its image


def make_undisplaced(atoms: Atoms, supercell_matrix: ArrayLike, symprec: float = 1e-5) -> Atoms:
    """Return the supercell without a displacement, its atoms in phonopy's order.

    The atoms have all that they have in the cell but constraints.

    Parameters
    ----------
    atoms
        Crystal that the supercell is made of; it is not changed.
    supercell_matrix
        Matrix of the supercell, as `find_supercell` returns it.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Raises
    ------
    MissingExtraError
        phonopy is not installed.
    """
    return _supercell(atoms, supercell_matrix, symprec)[0]


def make_displaced(
    atoms: Atoms, supercell_matrix: ArrayLike, *, distance: float = 0.01, symprec: float = 1e-5
) -> list[Atoms]:
    """Return the supercells with one atom displaced whose forces make up the force constants, as phonopy finds them.

    Parameters
    ----------
    atoms
        Crystal that the supercell is made of; it is not changed.
    supercell_matrix
        Matrix of the supercell, as `find_supercell` returns it.
    distance
        Distance by which an atom is displaced, in Å.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Returns
    -------
    list of Atoms
        Displaced supercells, as few as the symmetry of the crystal allows.

    Raises
    ------
    InputError
        `distance` is not above 0, or spglib finds no symmetry.
    MissingExtraError
        phonopy is not installed.
    """
    if not 0 < distance < np.inf:
        raise InputError(f"distance is {distance!r}. Give a length in Å above 0.")
    cell = to_phonopy(atoms)
    matrix = _as_matrix(supercell_matrix)
    # phonopy takes long to find the symmetry of a large supercell; that of the cell is enough where both have the same.
    found = phonopy_model(cell, np.eye(3, dtype=int), "P", symprec)
    supercell, where = _supercell(atoms, matrix, symprec)
    if not _has_symmetry(matrix, found.symmetry.pointgroup_operations):
        found, where = phonopy_model(cell, matrix, "P", symprec), np.arange(len(supercell))
    found.generate_displacements(distance=distance)
    displaced = []
    for atom in found.dataset["first_atoms"]:
        structure = supercell.copy()
        structure.positions[where[atom["number"]]] += atom["displacement"]
        displaced.append(structure)
    return displaced


def take_sites(atoms: Atoms, cell: Any, sites: Sequence[int]) -> Atoms:
    """Return another cell of a crystal, its atoms with all that they have in the first one but constraints.

    Parameters
    ----------
    atoms
        Crystal with its first cell; it is not changed.
    cell
        Other cell of the same crystal, a ``PhonopyAtoms``.
    sites
        For each atom of `cell`, the number of the atom of `atoms` that it is an image of.
    """
    taken: Atoms = atoms.copy()
    taken.set_constraint()
    taken = taken[list(sites)]
    taken.set_cell(cell.cell)
    taken.set_positions(cell.positions)
    return taken


def _as_matrix(given: ArrayLike) -> NDArray[np.int64]:
    matrix = np.asarray(given)
    if matrix.shape == (3,):
        matrix = np.diag(matrix)
    if matrix.shape != (3, 3) or not np.issubdtype(matrix.dtype, np.integer) or round(np.linalg.det(matrix)) < 1:
        raise InputError(
            f"supercell_matrix is {given!r}. Give three integers above 0, or three rows of three with a determinant "
            "above 0."
        )
    return matrix


def _supercell(atoms: Atoms, matrix: ArrayLike, symprec: float) -> tuple[Atoms, NDArray[np.int64]]:
    """Return the supercell, and the numbers that the atoms of the cell have in it."""
    cell = to_phonopy(atoms)
    from phonopy.structure.cells import get_supercell

    made = get_supercell(cell, _as_matrix(matrix), symprec=symprec)
    return take_sites(atoms, made, [made.u2u_map[atom] for atom in made.s2u_map]), made.u2s_map


def _has_symmetry(matrix: NDArray[np.int64], rotations: NDArray[np.int64]) -> bool:
    """Return whether rotations, in units of the cell vectors, take the lattice of a supercell to itself."""
    turned = np.linalg.inv(matrix) @ rotations @ matrix
    return bool(np.abs(turned - np.rint(turned)).max() < 1e-6)
