"""Rows of descriptors in blocks, so that a memory-mapped array is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.errors import InputError

__all__ = ["as_descriptors", "free_rows", "in_blocks"]

_NUMBERS = 1_000_000  # in a block: 8 MB


def as_descriptors(descriptors: ArrayLike) -> NDArray[Any]:
    """Return descriptors as an array with a row for each structure, and refuse what is none. A memory map stays one.

    Parameters
    ----------
    descriptors
        Descriptors, shape (structures, numbers of each).

    Raises
    ------
    InputError
        They have another number of dimensions, no rows, or numbers that are NaN or infinite.
    """
    found = np.asanyarray(descriptors)
    if found.ndim != 2 or not found.size or found.dtype.kind not in "fiu":
        raise InputError(
            f"descriptors have shape {found.shape} and type {found.dtype}. Give real numbers, a row for each structure."
        )
    for start, block in in_blocks(found):
        if np.isfinite(block.sum()):
            continue
        if len(bad := np.flatnonzero(~np.isfinite(block).all(axis=1))):
            raise InputError(f"Row {start + bad[0]} of descriptors is not finite. Compute it again, or leave it out.")
    return found


def in_blocks(rows: NDArray[Any]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield blocks of rows in double precision, each with the number of its first row.

    Parameters
    ----------
    rows
        Array of two dimensions.
    """
    step = max(1, _NUMBERS // rows.shape[1])
    for start in range(0, len(rows), step):
        yield start, np.asarray(rows[start : start + step], dtype=float)


def free_rows(rows: int, n: int, exclude: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which rows may be chosen, and refuse a choice of more than there are.

    Parameters
    ----------
    rows
        Number of all rows.
    n
        Number of rows to choose.
    exclude
        Indices of the rows that were chosen before.

    Raises
    ------
    InputError
        `n` is below 1 or above the number of free rows, or an index of `exclude` is that of no row.
    """
    before = np.asarray(exclude, dtype=int).reshape(-1)
    if len(before) and (before.min() < 0 or before.max() >= rows):
        bad = before[(before < 0) | (before >= rows)][0]
        raise InputError(f"exclude has the index {bad}. Give indices from 0 to {rows - 1}.")
    free = np.ones(rows, dtype=bool)
    free[before] = False
    if not 1 <= n <= free.sum():
        raise InputError(f"n is {n}, of {free.sum()} structures that can be chosen. Give a number from 1 to that.")
    return free
