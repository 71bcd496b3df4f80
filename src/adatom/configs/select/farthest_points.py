"""Farthest-point sampling: structures whose descriptors differ most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.configs.select.rows import as_descriptors, free_rows, in_blocks
from adatom.errors import InputError

__all__ = ["farthest_points"]

_BLOCK = 32  # rows whose distances are brought up to date at once: 16 to 48 take the same time


def farthest_points(
    descriptors: ArrayLike,
    n: int,
    *,
    start: int | None = None,
    exclude: Sequence[int] | NDArray[np.integer[Any]] = (),
) -> NDArray[np.int64]:
    """Choose structures one by one, each the farthest from those that are chosen already.

    The distance is the Euclidean one between descriptors. It is computed only for structures that may be the next one:
    the distance to some of the chosen is an upper bound of that to all. The choice is that of all distances.

    Parameters
    ----------
    descriptors
        Descriptors, shape (structures, numbers of each); an array that is mapped from a file is read row by row.
    n
        Number of structures to choose.
    start
        Index of the first. None: the structure farthest from those in `exclude`, or else from the mean of all.
    exclude
        Indices of structures chosen earlier: they are not chosen, and the others keep away from them.

    Returns
    -------
    NDArray
        Indices in the order of the choice, shape (n,). Of structures as far as each other, the first is chosen.

    Raises
    ------
    InputError
        Descriptors are no table of finite numbers, there are fewer structures than `n`, or an index is that of none.
    """
    rows = as_descriptors(descriptors)
    free = free_rows(len(rows), n, exclude)
    if start is not None and not (0 <= start < len(rows) and free[start]):
        raise InputError(f"start is {start}. Give the index of a structure, from 0 to {len(rows) - 1}, not in exclude.")
    mean = sum(block.sum(axis=0) for _, block in in_blocks(rows)) / len(rows)
    squares = np.concatenate([_squares(block - mean) for _, block in in_blocks(rows)])
    before = np.flatnonzero(~free)
    centres = np.empty((len(before) + n, rows.shape[1]))  # those that are chosen, as distances from the mean
    centres[: len(before)] = rows[before] - mean
    norms = np.empty(len(centres))
    norms[: len(before)] = squares[before]
    # Squared distances to the first `seen` centres; to the mean, if to none. What cannot be chosen is below all.
    lowest, seen = np.where(free, squares if not len(before) else np.inf, -np.inf), np.zeros(len(rows), dtype=int)
    chosen: list[int] = []
    for known in range(len(before), len(centres)):
        first = start if start is not None and not chosen else None
        index = _farthest(rows, mean, squares, centres[:known], norms, lowest, seen) if first is None else first
        chosen.append(index)
        centres[known], norms[known] = rows[index] - mean, squares[index]
        if not known:  # distances to the mean were no bounds of those to a centre
            lowest[:] = np.where(free, np.inf, -np.inf)
        lowest[index] = -np.inf
    return np.array(chosen)


def _squares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.einsum("ij,ij->i", rows, rows)
    return found


def _farthest(
    rows: NDArray[Any],
    mean: NDArray[np.float64],
    squares: NDArray[np.float64],
    centres: NDArray[np.float64],
    norms: NDArray[np.float64],
    lowest: NDArray[np.float64],
    seen: NDArray[np.int64],
) -> int:
    """Return the row farthest from all centres, and bring the bounds of those before it up to date."""
    while True:
        index = int(lowest.argmax())
        if seen[index] == len(centres):
            return index
        # At first no bound is known, and that of all rows is needed.
        size = _BLOCK if np.isfinite(lowest[index]) else max(_BLOCK, 1_000_000 // (rows.shape[1] + len(centres)))
        size = min(size, len(rows))
        top = np.argpartition(lowest, len(rows) - size)[len(rows) - size :]
        top = top[lowest[top] > -np.inf]
        oldest = int(seen[top].min())
        distances = (np.asarray(rows[top], dtype=float) - mean) @ centres[oldest:].T
        distances *= -2
        distances += norms[oldest : len(centres)]
        lowest[top] = np.minimum(lowest[top], distances.min(axis=1) + squares[top])
        seen[top] = len(centres)
