"""CUR: structures whose descriptors span those of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.configs.select.rows import as_descriptors, free_rows, in_blocks
from adatom.errors import InputError

__all__ = ["cur", "leverage_scores"]

_NEGLIGIBLE = 1e-7  # of the largest singular value: below it, the roots of eigenvalues are noise


def cur(
    descriptors: ArrayLike,
    n: int,
    *,
    rank: int | None = None,
    seed: int | None = None,
    exclude: Sequence[int] | NDArray[np.integer[Any]] = (),
) -> NDArray[np.int64]:
    """Choose the structures with the highest leverage scores, or at random with these as probabilities.

    Parameters
    ----------
    descriptors, rank
        Same as in `leverage_scores`; `rank` is half of `n` by default, and at least 1.
    n
        Number of structures to choose.
    seed
        Seed of a choice at random, without replacement. None: the highest scores are chosen.
    exclude
        Indices of structures that are not to be chosen.

    Returns
    -------
    NDArray
        Indices from the highest score down, or in the order of the draw, shape (n,).

    Raises
    ------
    InputError
        Same as in `leverage_scores`; or there are fewer structures than `n`, with a score above 0 if at random.

    References
    ----------
    M. W. Mahoney and P. Drineas, Proc. Natl. Acad. Sci. USA 106, 697 (2009).
    """
    rows = as_descriptors(descriptors)
    free = free_rows(len(rows), n, exclude)
    scores = np.where(free, leverage_scores(rows, max(1, n // 2) if rank is None else rank), -1.0)
    if seed is None:
        return np.argsort(-scores, kind="stable")[:n]
    weights = np.maximum(scores, 0)
    if np.count_nonzero(weights) < n:
        raise InputError(f"Only {np.count_nonzero(weights)} structures have a score above 0. Choose at most as many.")
    return np.random.default_rng(seed).choice(len(rows), size=n, replace=False, p=weights / weights.sum())


def leverage_scores(descriptors: ArrayLike, rank: int) -> NDArray[np.float64]:
    """Return the weight of each structure in the leading singular vectors of the descriptors.

    The singular vectors come from the smaller of the two products of the descriptors with themselves, and the rows are
    read block by block: the memory is that of the product, not of the descriptors.

    Parameters
    ----------
    descriptors
        Descriptors, shape (structures, numbers of each), as they are: not centred.
    rank
        Number of singular vectors, at most. Those whose singular value is below 1e-7 of the largest are left out.

    Returns
    -------
    NDArray
        Scores from 0 to 1, shape (structures,), whose sum is the number of singular vectors.

    Raises
    ------
    InputError
        Descriptors are no table of finite numbers or are all 0, or `rank` is below 1.
    """
    rows = as_descriptors(descriptors)
    if rank < 1:
        raise InputError(f"rank is {rank}. Give a number of singular vectors, at least 1.")
    tall = len(rows) >= rows.shape[1]
    product = _product(rows if tall else rows.T)
    values, vectors = np.linalg.eigh(product)
    kept = np.sqrt(np.maximum(values, 0)) > _NEGLIGIBLE * np.sqrt(max(values[-1], 0))
    kept[: max(0, len(values) - rank)] = False
    if not kept.any():
        raise InputError("All descriptors are 0. No structure has a weight.")
    leading = vectors[:, kept]
    if not tall:
        return np.square(leading).sum(axis=1)
    leading /= np.sqrt(values[kept])
    return np.concatenate([np.square(block @ leading).sum(axis=1) for _, block in in_blocks(rows)])


def _product(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the product of the transposed rows with the rows."""
    product = np.zeros((rows.shape[1], rows.shape[1]))
    for _, block in in_blocks(rows):
        product += block.T @ block
    return product
