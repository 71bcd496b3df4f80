"""Energies and forces of two atoms by their distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from adatom import job, subflow
from adatom.analysis.curves import sorted_points
from adatom.analysis.diatomics import DiatomicCurve, diatomic_curve
from adatom.atoms.dimers import diatomic_distances, dimers
from adatom.recipes.common.code import unbound
from adatom.schemas.results import ScanPoints

__all__ = ["diatomic_flow"]


@subflow
def diatomic_flow(
    first: str,
    second: str | None = None,
    *,
    scan_job: Callable[..., Any] = unbound,
    distances: Sequence[float] | None = None,
    arena_compat: bool = False,
) -> dict[str, Any]:
    """Compute the energies and forces of two atoms at many distances, and measure how physical their curve is.

    Parameters
    ----------
    first
        Symbol of an atom.
    second
        Symbol of the other atom; None: the same.
    scan_job
        Job that computes the pair at all distances.
    distances
        Distances in Å, five or more. None: those of `adatom.atoms.dimers.diatomic_distances`.
    arena_compat
        Same as in `adatom.analysis.diatomics.diatomic_curve`.

    Returns
    -------
    dict
        ``"scan"``: the result of the scan. ``"curve"``: a `DiatomicCurve`.

    Raises
    ------
    InputError
        An element is unknown, or the distances are no five different ones.
    FlowFailure
        The pair failed at all distances.
    """
    pair = first, first if second is None else second
    grid = diatomic_distances(*pair) if distances is None else np.asarray(distances, dtype=float)
    sorted_points(distances=grid)  # which refuses what makes no curve
    scan = scan_job(dimers([pair], grid.tolist(), box=5 * float(grid.max(initial=0.0)) or 1.0))
    return {"scan": scan, "curve": measure(scan["points"], grid, pair, arena_compat)}


@job
def measure(points: ScanPoints, distances: Any, pair: tuple[str, str], arena_compat: bool) -> DiatomicCurve:
    """Return the curve of a pair of atoms."""
    first, second = (atomic_masses[atomic_numbers[symbol]] for symbol in pair)
    along = [force[1, 0] for force in points["forces"]]
    reduced = first * second / (first + second)
    return diatomic_curve(distances, points["energies"], along, reduced_mass=reduced, arena_compat=arena_compat)
