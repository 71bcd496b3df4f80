"""Energies and forces of two atoms by their distance, and measures of how physical they are."""

from __future__ import annotations

from typing import Annotated, TypedDict, cast

import numpy as np
from ase import units
from numpy.typing import ArrayLike, NDArray

from adatom.analysis.curves import (
    LEAST_POINTS,
    derivative,
    flips,
    jump,
    rank_correlation,
    sorted_points,
    tortuosity,
    total_variation,
)
from adatom.errors import InputError

__all__ = ["DiatomicCurve", "diatomic_curve"]

_Array = NDArray[np.float64]
#: Steps of the energy and forces below these are noise, not a change of sign; those of MLIP Arena, in eV and eV/Å.
LEAST_STEP, LEAST_FORCE = 1e-3, 1e-2
#: ħω in cm⁻¹ for a curvature of 1 eV/Å² and a mass of 1 atomic mass unit.
_WAVE_NUMBER = units._hbar * 1e10 / np.sqrt(units._e * units._amu) / units.invcm


class DiatomicCurve(TypedDict):
    """Energies and forces of two atoms by their distance, and measures of how physical they are. P points have both.

    Attributes
    ----------
    name
        Kind of document: ``"diatomic_curve"``.
    distances
        Distances of the atoms in Å, shape (P,), the smallest first.
    energies
        Energies in eV, relative to that at the largest distance, shape (P,).
    forces
        Forces on an atom along the bond in eV/Å, positive if it is pushed away, shape (P,).
    missing
        Number of points at which the potential gave no finite energy and force. They are left out of all else; if fewer
        than five points remain, all measures are NaN.
    equilibrium_distance
        Distance of the lowest energy in Å, between the points. NaN if it is at an end, or if the slope does not rise
        there.
    well_depth
        Energy at the largest distance minus the lowest in eV. Without a well it is 0.
    wave_number
        Wave number of the harmonic vibration in cm⁻¹. NaN without masses or a minimum.
    conservation_deviation
        Mean of the absolute difference between the force and the derivative of the energy, in eV/Å; 0 if the force is
        that of the energy.
    tortuosity
        Total variation of the energy in parts of that of a curve with one well: 1 for one well. NaN for a constant.
    energy_flips, force_flips
        How often the steps of the energy, and the force, change their sign: 1 for one well.
    energy_jump, force_jump
        Sum of the steps before and after each of their turns, in eV and eV/Å.
    energy_total_variation, force_total_variation
        Sum of all absolute steps, in eV and eV/Å.
    largest_gradient
        Largest absolute derivative of the energy, in eV/Å.
    repulsion, attraction
        Rank correlation of distance and energy up to the lowest energy and from there on: -1 and 1 for one well. NaN if
        there are no two points.
    force_repulsion, force_attraction
        The same of distance and force, about the lowest force.
    """

    name: str
    distances: Annotated[_Array, "Å"]
    energies: Annotated[_Array, "eV"]
    forces: Annotated[_Array, "eV/Å"]
    missing: int
    equilibrium_distance: Annotated[float, "Å"]
    well_depth: Annotated[float, "eV"]
    wave_number: Annotated[float, "cm⁻¹"]
    conservation_deviation: Annotated[float, "eV/Å"]
    tortuosity: float
    energy_flips: float
    force_flips: float
    energy_jump: Annotated[float, "eV"]
    force_jump: Annotated[float, "eV/Å"]
    energy_total_variation: Annotated[float, "eV"]
    force_total_variation: Annotated[float, "eV/Å"]
    largest_gradient: Annotated[float, "eV/Å"]
    repulsion: float
    attraction: float
    force_repulsion: float
    force_attraction: float


_MEASURES = set(DiatomicCurve.__annotations__) - {"name", "distances", "energies", "forces", "missing"}


def diatomic_curve(
    distances: ArrayLike,
    energies: ArrayLike,
    forces: ArrayLike,
    *,
    reduced_mass: float | None = None,
    arena_compat: bool = False,
) -> DiatomicCurve:
    """Measure the curve of two atoms: whether it has one well, and forces that are those of its energy.

    The measures are those of MLIP Arena [1]_.

    Parameters
    ----------
    distances
        Distances of the atoms in Å, in any order, shape (P,).
    energies
        Energies in eV, shape (P,).
    forces
        Forces on the second atom in eV/Å, along the line from the first one, shape (P,).
    reduced_mass
        Product of the masses of the atoms by their sum, in atomic mass units. None: there is no wave number.
    arena_compat
        Take the derivative of the energy by differences of second order, as MLIP Arena does, by which also an exact
        potential deviates.

    Raises
    ------
    InputError
        The points are none of a curve: see `adatom.analysis.curves.sorted_points`. Or the mass is not above 0.

    References
    ----------
    .. [1] Y. Chiang et al., MLIP Arena, AI4Mat workshop at ICLR (2025), https://openreview.net/forum?id=ysKfIavYQE
    """
    if reduced_mass is not None and not reduced_mass > 0:
        raise InputError(f"reduced_mass is {reduced_mass!r}. Give one above 0, in atomic mass units.")
    points = sorted_points(distances=distances, energies=energies, forces=forces)
    there = np.isfinite(points).all(axis=0)
    r, e, f = (values[there] for values in points)
    e = e - e[-1:]
    if len(r) < LEAST_POINTS:
        measures = dict.fromkeys(_MEASURES, float("nan"))
    else:
        slope = np.gradient(e, r) if arena_compat else derivative(r, e)
        measures = {**_well(r, e, slope, reduced_mass), **_smoothness(r, e, f, slope)}
    missing = len(points[0]) - len(r)
    found = {"name": "diatomic_curve", "distances": r, "energies": e, "forces": f, "missing": missing, **measures}
    return cast(DiatomicCurve, found)


def _well(r: _Array, e: _Array, slope: _Array, reduced_mass: float | None) -> dict[str, float]:
    """Return where the energy is lowest, how low, and how fast the atoms vibrate there."""
    distance = wave_number = float("nan")
    low = int(np.argmin(e))
    if 0 < low < len(r) - 1:
        other = low + 1 if slope[low] < 0 else low - 1
        secant = (slope[other] - slope[low]) / (r[other] - r[low])
        if secant > 0:
            distance = r[low] - slope[low] / secant
            curvature = np.interp(distance, r, derivative(r, slope))
            if reduced_mass is not None and curvature > 0:
                wave_number = _WAVE_NUMBER * np.sqrt(curvature / reduced_mass)
    return {
        "equilibrium_distance": float(distance),
        "well_depth": float(e[-1] - e[low]),
        "wave_number": float(wave_number),
    }


def _smoothness(r: _Array, e: _Array, f: _Array, slope: _Array) -> dict[str, float]:
    """Return the measures of MLIP Arena."""
    low, lowest_force = int(np.argmin(e)), int(np.argmin(f))
    return {
        "conservation_deviation": float(np.abs(f + slope).mean()),
        "tortuosity": tortuosity(e),
        "energy_flips": flips(np.diff(e), LEAST_STEP),
        "force_flips": flips(f, LEAST_FORCE),
        "energy_jump": jump(e, LEAST_STEP),
        "force_jump": jump(f),
        "energy_total_variation": total_variation(e),
        "force_total_variation": total_variation(f),
        "largest_gradient": float(np.abs(slope).max()),
        "repulsion": rank_correlation(r[: low + 1], e[: low + 1]),
        "attraction": rank_correlation(r[low:], e[low:]),
        "force_repulsion": rank_correlation(r[: lowest_force + 1], f[: lowest_force + 1]),
        "force_attraction": rank_correlation(r[lowest_force:], f[lowest_force:]),
    }
