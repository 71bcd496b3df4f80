"""Curves with few points, for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["packed_curve", "thin", "view"]

_Array = NDArray[np.float64]

#: Part of the points that a curve gets where it is straight.
_EVEN = 0.3
#: Steps of a coordinate over its axis, and of a value over its view: about a hundredth of the width of a line each.
_X_STEPS, _Y_STEPS = 4000, 2000
#: Largest whole number in the page, which is below those that a float of 64 bits cannot tell from their neighbours.
_LARGEST = 1e15


def view(y: _Array) -> tuple[float, float]:
    """Return the range of a curve that shows its well, which a repulsive wall would squash.

    It goes from the lowest value to as far above the last one as that is above the lowest, or to the value that is
    above three fifths of the points, if that is more.

    Parameters
    ----------
    y
        Finite values by their coordinate, the smallest coordinate first, shape (P,).
    """
    ranked = np.sort(y)
    low, middle, high = (float(ranked[place * (len(y) - 1) // 5]) for place in (0, 3, 5))
    if y.argmin() <= 0.02 * len(y):  # it falls to short distances, which would squash the well as a wall does
        low = float(ranked[(len(y) - 1) // 5])
    last = max(float(y[-1]), low)
    return low, min(max(2 * last - low, middle), high)


def thin(
    x: _Array, curves: Sequence[_Array], count: int, views: Sequence[tuple[float, float]] | None = None
) -> NDArray[np.intp]:
    """Return the indices of points that keep the shape of curves, the more the more these bend.

    For straight lines between points, the density that makes the largest error smallest goes with the root of the
    second derivative. Ends and extremes are kept.

    Parameters
    ----------
    x
        Coordinates, the smallest first, shape (P,).
    curves
        Values of each curve there, shape (P,) each.
    count
        Number of points, about.
    views
        Range of each curve that is to be seen; None: that of `view`.
    """
    if len(x) <= count:
        return np.arange(len(x))
    place = (x - x[0]) / ((x[-1] - x[0]) or 1.0)
    steps = np.maximum(place[1:] - place[:-1], 1e-12)
    density = np.zeros(len(x))
    for y, (low, high) in zip(curves, views or map(view, curves), strict=True):
        z = (y - low) / ((high - low) or 1.0)
        z = np.where(z > 1, 1 + np.log(np.maximum(z, 1)), np.where(z < 0, -np.log1p(np.maximum(-z, 0)), z))
        slope = (z[1:] - z[:-1]) / steps
        bend = np.sqrt(np.abs((slope[1:] - slope[:-1]) / (steps[1:] + steps[:-1])))
        density[1:-1] += bend / (bend.mean() or 1.0)
    density[0], density[-1] = density[1], density[-2]
    mean = density.mean() or 1.0
    density = np.minimum(density / mean + _EVEN, (1 + _EVEN) * len(x) / count)  # one point each, where it jumps
    passed = np.cumsum(density)
    chosen = np.searchsorted(passed, np.linspace(passed[0], passed[-1], count)).tolist()
    extremes = [int(found) for y in curves for found in (y.argmin(), y.argmax())]
    return np.unique([0, len(x) - 1, *chosen, *extremes])


def packed_curve(document: dict[str, Any], pairs: Sequence[tuple[str, str]], count: int) -> list[Any] | None:
    """Return the curves of a document as whole numbers, or None if it has none.

    Parameters
    ----------
    document
        Document of a system.
    pairs
        Keys of the coordinate and of the values of each curve.
    count
        Number of points of a curve, about.

    Returns
    -------
    list
        The coordinates, by their keys in the order in which they first stand in `pairs`, and the values by curve.
        Each is a list of two bounds and of steps from point to point; None where the document lacks it. Units of the
        steps are a 4000th of the range of the coordinates, and a 2000th of the view of the values.
    """
    xs: list[Any] = []
    ys: dict[tuple[str, str], Any] = dict.fromkeys(pairs)
    for key in dict.fromkeys(x for x, _ in pairs):
        names = [y for x, y in pairs if x == key]
        x, values = _points(document, key, names)
        if x is None:
            xs.append(None)
            continue
        views = [view(y) for y in values.values()]
        chosen = thin(x, list(values.values()), count, views)
        low, high = _short(x[0]), _short(x[-1])
        xs.append([low, high, *_steps((x[chosen] - low) / ((high - low) or 1.0) * _X_STEPS)])
        for (name, y), bounds in zip(values.items(), views, strict=True):
            low, high = map(_short, bounds)
            ys[key, name] = [low, high, *_steps((y[chosen] - low) / ((high - low) or 1.0) * _Y_STEPS)]
    return [xs, list(ys.values())] if any(xs) else None


def _points(document: dict[str, Any], key: str, names: Sequence[str]) -> tuple[_Array | None, dict[str, _Array]]:
    """Return the coordinates at which all curves are finite, in order, and the values of the curves there."""
    x = _numbers(document.get(key))
    values = {name: _numbers(document.get(name)) for name in names}
    values = {name: y for name, y in values.items() if x.ndim == 1 and y.shape == x.shape}
    if not values:
        return None, {}
    there = np.isfinite([x, *values.values()]).all(axis=0)
    order = np.argsort(x[there], kind="stable")
    if len(order) < 2:
        return None, {}
    return x[there][order], {name: y[there][order] for name, y in values.items()}


def _numbers(value: ArrayLike | None) -> _Array:
    """Return an array; one without values for what is no list of numbers. None in a list is NaN."""
    try:
        return np.asarray([] if value is None else value, dtype=float)
    except (TypeError, ValueError):
        return np.empty(0)


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _steps(values: _Array) -> list[int]:
    """Return whole numbers as the first one and the differences, those far from the view with four digits."""
    values = np.clip(values, -_LARGEST, _LARGEST)
    far = np.abs(values) > 1e4
    if far.any():
        unit = 10.0 ** (np.floor(np.log10(np.abs(values[far]))) - 3)
        values[far] = np.rint(values[far] / unit) * unit
    whole = np.rint(values).astype(np.int64)
    whole[1:] -= whole[:-1].copy()
    steps: list[int] = whole.tolist()
    return steps
