"""Structures repeated along their cell vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.results import without_results
from adatom.errors import InputError

__all__ = ["supercell"]


def supercell(
    atoms: Atoms,
    size: int | Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    min_length: float | None = None,
) -> Atoms:
    """Return a supercell: a structure repeated along its cell vectors.

    Parameters
    ----------
    atoms
        Structure to repeat; it is not changed. It is repeated along periodic directions only.
    size
        Number of repetitions along each periodic direction; three integers; or a matrix of integers, as of
        `ase.build.make_supercell`: its rows are the new cell vectors in units of the old ones.
    min_length
        Least length in Å of each cell vector along a periodic direction; it takes the place of `size`.

    Returns
    -------
    Atoms
        Supercell with all that `atoms` has but results, and without constraints if `size` is a matrix that is not
        diagonal.

    Raises
    ------
    InputError
        Both or neither of `size` and `min_length` are given, or `atoms` cannot be repeated so.
    """
    if (size is None) == (min_length is None):
        raise InputError(
            f"size is {size!r} and min_length {min_length!r}. Give one of both: size=(2, 2, 2), or min_length=10 (Å)."
        )
    matrix = _at_least(atoms, min_length) if min_length is not None else _as_matrix(atoms, size)
    beyond = (matrix - np.eye(3)).any(axis=0) | (matrix - np.eye(3)).any(axis=1)
    if (beyond & ~atoms.pbc).any() or (beyond.any() and not atoms.cell[beyond].any(axis=1).all()):
        raise InputError(
            f"{atoms.get_chemical_formula()} is periodic along {atoms.pbc.tolist()}, and is to be repeated by "
            f"{matrix.tolist()}. Repeat it along periodic cell vectors only."
        )
    start = without_results(atoms)
    if not (matrix - np.diag(np.diag(matrix))).any():
        return start.repeat(np.diag(matrix).tolist())
    from ase.build import make_supercell

    made: Atoms = make_supercell(start, matrix)
    made.info = start.info
    return made


def _at_least(atoms: Atoms, min_length: float) -> NDArray[np.int64]:
    if not 0 < min_length < math.inf:
        raise InputError(f"min_length is {min_length!r}. Give a length in Å above 0.")
    if not atoms.pbc.any():
        raise InputError(f"{atoms.get_chemical_formula()} is not periodic: it cannot be repeated.")
    # 1e-6 less, so that a length that rounding has made a little shorter than min_length is enough
    return np.diag(
        [
            math.ceil(min_length / length - 1e-6) if periodic and length else 1
            for length, periodic in zip(atoms.cell.lengths(), atoms.pbc, strict=True)
        ]
    )


def _as_matrix(atoms: Atoms, size: object) -> NDArray[np.int64]:
    try:
        matrix = np.asarray(size)
    except ValueError:  # rows of different lengths
        matrix = np.array(None)
    if matrix.shape == () and np.issubdtype(matrix.dtype, np.integer):
        matrix = np.where(atoms.pbc, matrix, 1)
    if matrix.shape == (3,):
        matrix = np.diag(matrix) if (matrix > 0).all() else np.zeros((3, 3))
    if matrix.shape != (3, 3) or not np.issubdtype(matrix.dtype, np.integer) or round(np.linalg.det(matrix)) < 1:
        raise InputError(
            f"size is {size!r}. Give an integer above 0, three of them, or three rows of three with a determinant "
            "above 0."
        )
    return matrix
