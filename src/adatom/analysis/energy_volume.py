"""Energies of a crystal far from its volume, and measures of how physical they are."""

from __future__ import annotations

from typing import Annotated, TypedDict, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.analysis.curves import LEAST_POINTS, derivative, flips, rank_correlation, sorted_points, tortuosity

__all__ = ["EnergyVolumeCurve", "energy_volume_curve"]

_Array = NDArray[np.float64]


class EnergyVolumeCurve(TypedDict):
    """Energies of a crystal by its volume, and measures of how physical they are. P points have an energy.

    Attributes
    ----------
    name
        Kind of document: ``"energy_volume_curve"``.
    volumes
        Volumes of the cell in Å³, shape (P,), the smallest first.
    energies
        Energies of the cell in eV, relative to the lowest, shape (P,).
    missing
        Number of volumes at which the potential gave no finite energy. They are left out of all else; if fewer than
        five remain, all measures are NaN.
    equilibrium_volume
        Volume of the point with the lowest energy in Å³.
    tortuosity
        Total variation of the energy in parts of that of a curve with one minimum: 1 for one minimum. NaN for a
        constant.
    energy_flips
        How often the steps of the energy change their sign: 1 for one minimum.
    compression, tension
        Rank correlation of volume and energy up to the lowest energy and from there on: -1 and 1 for one minimum. NaN
        if there are no two points.
    derivative_compression
        Rank correlation of volume and the derivative of the energy up to the lowest energy: 1 if the pressure rises all
        the way.
    """

    name: str
    volumes: Annotated[_Array, "Å³"]
    energies: Annotated[_Array, "eV"]
    missing: int
    equilibrium_volume: Annotated[float, "Å³"]
    tortuosity: float
    energy_flips: float
    compression: float
    tension: float
    derivative_compression: float


def energy_volume_curve(volumes: ArrayLike, energies: ArrayLike, *, arena_compat: bool = False) -> EnergyVolumeCurve:
    """Measure the curve of energies by volume: whether it has one minimum, and a pressure that rises.

    The measures are those of MLIP Arena, as `adatom.analysis.diatomics.diatomic_curve` names it.

    Parameters
    ----------
    volumes
        Volumes of the cell in Å³, in any order, shape (P,).
    energies
        Energies of the cell in eV, shape (P,).
    arena_compat
        Take the middle point for the minimum, which then belongs to tension only, and the derivative by differences of
        second order, as MLIP Arena does.

    Raises
    ------
    InputError
        The points are none of a curve: see `adatom.analysis.curves.sorted_points`.
    """
    points = sorted_points(volumes=volumes, energies=energies)
    there = np.isfinite(points).all(axis=0)
    v, e = (values[there] for values in points)
    e = e - e.min(initial=np.inf)
    found = {"name": "energy_volume_curve", "volumes": v, "energies": e, "missing": len(points[0]) - len(v)}
    if len(v) < LEAST_POINTS:
        measures = dict.fromkeys(EnergyVolumeCurve.__annotations__, float("nan"))
        return cast(EnergyVolumeCurve, {**measures, **found})
    low = len(v) // 2 if arena_compat else int(np.argmin(e))
    slope = np.gradient(e, v) if arena_compat else derivative(v, e)
    compressed = slice(low if arena_compat else low + 1)
    found |= {
        "equilibrium_volume": float(v[low]),
        "tortuosity": tortuosity(e, low),
        "energy_flips": flips(np.diff(e)),
        "compression": rank_correlation(v[compressed], e[compressed]),
        "tension": rank_correlation(v[low:], e[low:]),
        "derivative_compression": rank_correlation(v[compressed], slope[compressed]),
    }
    return cast(EnergyVolumeCurve, found)
