"""Measures of curves: their smoothness, and the parts in which they rise and fall."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.errors import InputError

__all__ = [
    "LEAST_POINTS",
    "derivative",
    "flips",
    "jump",
    "rank_correlation",
    "sorted_points",
    "tortuosity",
    "total_variation",
]

_Array = NDArray[np.float64]
#: Fewer points make no curve.
LEAST_POINTS = 5


def sorted_points(**columns: ArrayLike) -> list[_Array]:
    """Return the points of a curve in the order of their first column.

    Parameters
    ----------
    **columns
        Numbers of the points by name, each of shape (P,).

    Raises
    ------
    InputError
        The columns have other shapes, two numbers of the first one are the same, or there are fewer than five points.
    """
    found = [np.asarray(values, dtype=float) for values in columns.values()]
    names, first = ", ".join(columns), found[0]
    if first.ndim != 1 or any(values.shape != first.shape for values in found):
        raise InputError(f"The shapes of {names} are {[values.shape for values in found]}: give P numbers of each.")
    if len(first) < LEAST_POINTS:
        raise InputError(f"There are {len(first)} points of {names}. Give {LEAST_POINTS} or more.")
    if len(np.unique(first)) < len(first) or not np.isfinite(first).all():
        raise InputError(f"Two of the {next(iter(columns))} are the same, or one is no finite number.")
    return [values[np.argsort(first)] for values in found]


def total_variation(values: ArrayLike) -> float:
    """Return the sum of the absolute steps from one value to the next.

    Parameters
    ----------
    values
        Values along the curve, shape (P,).
    """
    return float(np.abs(np.diff(np.asarray(values, dtype=float))).sum())


def tortuosity(values: ArrayLike, low: int | None = None) -> float:
    """Return the total variation, in parts of that of a curve with the same ends and one minimum.

    Parameters
    ----------
    values
        Values along the curve, shape (P,).
    low
        Number of the point that is taken for the minimum. None: that of the lowest value.

    Returns
    -------
    float
        1 for a curve that falls to one minimum and rises from there, more for others; NaN for a constant.
    """
    found = np.asarray(values, dtype=float)
    least = found[0] + found[-1] - 2 * (found.min() if low is None else found[low])
    return total_variation(found) / float(least) if least > 0 else float("nan")


def flips(values: ArrayLike, least: float = 0.0) -> int:
    """Return how often the sign changes from one value to the next.

    Parameters
    ----------
    values
        Values along the curve, shape (P,).
    least
        Values below this size, and zeros, are left out.
    """
    kept = _of_size(values, least)
    return int(np.count_nonzero(np.diff(np.sign(kept))))


def jump(values: ArrayLike, least: float = 0.0) -> float:
    """Return the sum of the steps before and after each turn of a curve.

    Parameters
    ----------
    values
        Values along the curve, shape (P,).
    least
        Steps below this size, and steps of zero, are left out.
    """
    steps = _of_size(np.diff(np.asarray(values, dtype=float)), least)
    (turns,) = np.nonzero(np.diff(np.sign(steps)))
    return float(np.abs(steps[turns]).sum() + np.abs(steps[turns + 1]).sum())


def rank_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Return Spearman's rank correlation: 1 if `y` rises with `x` everywhere, -1 if it falls.

    Parameters
    ----------
    x, y
        Points of the curve, shape (P,).

    Returns
    -------
    float
        NaN if there are fewer than two points, or if all values of `x` or of `y` are the same.
    """
    from scipy.stats import rankdata

    first, second = rankdata(x), rankdata(y)
    if len(first) < 2 or not (np.ptp(first) and np.ptp(second)):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def derivative(x: ArrayLike, y: ArrayLike) -> _Array:
    """Return the derivative of a curve at its points, by differences of fourth order.

    The polynomial through each point and its nearest four neighbours is exact where the curve is smooth, and a kink or
    a step has no effect beyond these.

    Parameters
    ----------
    x
        Distinct values, rising or falling, shape (P,).
    y
        Values of the curve, shape (P,).
    """
    places, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    width = min(5, len(places))
    found = np.empty(len(places))
    for index, place in enumerate(places):
        start = min(max(index - width // 2, 0), len(places) - width)
        near = places[start : start + width] - place
        size = np.abs(near).max()
        found[index] = np.linalg.solve(np.vander(near / size), values[start : start + width])[-2] / size
    return found


def _of_size(values: ArrayLike, least: float) -> _Array:
    found = np.asarray(values, dtype=float)
    return found[(np.abs(found) >= least) & (found != 0)]
