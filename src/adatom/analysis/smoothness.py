"""Steps in the energy of a structure that is stretched, as neighbours leave the range of a potential."""

from __future__ import annotations

from typing import Annotated, TypedDict, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.analysis.curves import flips, sorted_points

__all__ = ["Smoothness", "smoothness"]

_Array = NDArray[np.float64]


class Smoothness(TypedDict):
    """Energy of a structure that is stretched far apart, and steps in it. P is the number of points.

    Attributes
    ----------
    name
        Kind of document: ``"smoothness"``.
    stretches
        Lengths in parts of those of the structure, shape (P,), the smallest first.
    energies
        Energies in eV/atom, relative to that at the largest stretch, shape (P,).
    missing
        Number of points at which the potential gave no finite energy; they are left out.
    largest_step
        Largest absolute difference between an energy and the one that the two points on either side of it give by a
        cubic polynomial, in eV/atom: near 0 for a smooth curve. NaN for fewer than five points.
    flips
        How often the steps of the energy above 0.001 eV per atom change their sign: 1 for one minimum.
    """

    name: str
    stretches: _Array
    energies: Annotated[_Array, "eV/atom"]
    missing: int
    largest_step: Annotated[float, "eV/atom"]
    flips: float


def smoothness(stretches: ArrayLike, energies: ArrayLike, count: int) -> Smoothness:
    """Return the largest step in the energy of a structure that is stretched.

    Parameters
    ----------
    stretches
        Lengths in parts of those of the structure, evenly spaced, shape (P,).
    energies
        Energies in eV, shape (P,).
    count
        Number of atoms of the structure.

    Raises
    ------
    InputError
        The points are none of a curve: see `adatom.analysis.curves.sorted_points`.
    """
    lengths, values = sorted_points(stretches=stretches, energies=energies)
    values = values / count
    # The weights of a cubic polynomial through four evenly spaced points, at the middle of the gap between them.
    between = (-values[:-4] + 4 * values[1:-3] + 4 * values[3:-1] - values[4:]) / 6
    steps = np.abs(values[2:-2] - between)
    steps = steps[np.isfinite(steps)]
    there = np.isfinite(values)
    lengths, values = lengths[there], values[there]
    found = {
        "name": "smoothness",
        "stretches": lengths,
        "energies": values - values[-1:],
        "missing": int((~there).sum()),
        "largest_step": float(steps.max()) if len(steps) else float("nan"),
        "flips": flips(np.diff(values), 1e-3) if there.sum() > 1 else float("nan"),
    }
    return cast(Smoothness, found)
