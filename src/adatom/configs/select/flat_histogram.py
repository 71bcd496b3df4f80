"""Structures spread evenly over the values of a quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.configs.select.rows import as_descriptors, free_rows
from adatom.errors import InputError

__all__ = ["flat_histogram"]


def flat_histogram(
    values: ArrayLike,
    n: int,
    *,
    bins: int | ArrayLike = 10,
    seed: int = 0,
    exclude: Sequence[int] | NDArray[np.integer[Any]] = (),
) -> NDArray[np.int64]:
    """Choose structures at random so that as many as possible of each interval of a quantity are chosen.

    A bin with fewer structures than its share gives all of them, and the others give more.

    Parameters
    ----------
    values
        Quantity of each structure, such as the energy per atom, shape (structures,).
    n
        Number of structures to choose.
    bins
        Number of bins of equal width from the lowest to the highest value, or the edges of the bins. A structure
        outside of the edges is not chosen.
    seed
        Seed of the random numbers.
    exclude
        Indices of structures that are not to be chosen.

    Returns
    -------
    NDArray
        Indices in ascending order, shape (n,).

    Raises
    ------
    InputError
        A value is not finite, the edges do not ascend, or fewer structures than `n` can be chosen.
    """
    given = as_descriptors(np.reshape(np.asarray(values, dtype=float), (-1, 1)))[:, 0]
    edges = np.asarray(bins) if np.ndim(bins) else _edges(given, bins)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise InputError(f"bins is {bins!r}. Give a number above 0, or edges that ascend.")
    places = np.searchsorted(edges, given, side="right") - 1
    places[given == edges[-1]] = len(edges) - 2  # the last bin has its upper edge, as with numpy.histogram
    outside = np.flatnonzero((places < 0) | (places > len(edges) - 2))
    free = free_rows(len(given), n, np.concatenate([np.asarray(exclude, dtype=int).reshape(-1), outside]))
    rng = np.random.default_rng(seed)
    members = [rng.permutation(np.flatnonzero(free & (places == place))) for place in range(len(edges) - 1)]
    # The k-th members of all bins come before any (k+1)-th; the last that are chosen are of bins drawn at random.
    turns = np.concatenate([np.arange(len(each)) for each in members])
    order = np.lexsort((rng.permutation(len(turns)), turns))[:n]
    return np.sort(np.concatenate(members)[order])


def _edges(values: NDArray[np.float64], bins: Any) -> NDArray[np.float64]:
    if int(bins) != bins or bins < 1:
        raise InputError(f"bins is {bins!r}. Give a number above 0, or edges that ascend.")
    return np.histogram_bin_edges(values, int(bins))
