"""Forces far from an atom that moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job, subflow
from adatom.analysis import locality as analysis
from adatom.analysis.locality import Locality
from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import crystals
from adatom.recipes import mlip
from adatom.schemas.results import ScanPoints

__all__ = ["LOCALITY"]


@subflow
def locality_flow(
    atoms: Atoms, *, scan_job: Callable[..., Any] = mlip.scan_job, length: float = 50.0, distance: float = 0.1
) -> dict[str, Any]:
    """Compute a rod of a crystal before and after an atom moves, and the changes of the forces along the rod.

    Parameters
    ----------
    atoms
        Crystal; the rod is periodic, and one cell thick.
    scan_job
        Job that computes both structures.
    length
        Least length of the rod in Å, along the third vector of the crystal.
    distance
        Distance in Å by which the first atom is moved along the rod.

    Returns
    -------
    dict
        ``"scan"``: the result of the scan. ``"locality"``: a `Locality`.
    """
    before, after = _rods(atoms, length, distance)
    scan = scan_job([before, after])
    return {"scan": scan, "locality": measure(before, scan["points"])}


def _rods(atoms: Atoms, length: float, distance: float) -> tuple[Atoms, Atoms]:
    before = atoms * (1, 1, int(np.ceil(length / atoms.cell.lengths()[2])))
    before.set_constraint()
    after = before.copy()
    after.positions[0] += distance * before.cell[2] / np.linalg.norm(before.cell[2])
    return before, after


@job
def measure(before: Atoms, points: ScanPoints) -> Locality:
    """Return the changes of the forces by the distance from the atom that moved."""
    distances = before.get_distances(0, range(len(before)), mic=True)
    return analysis.locality(distances, *points["forces"])


LOCALITY = Benchmark(
    name="locality",
    title="Locality",
    about="An atom of a long rod moves by 0.1 Å. The forces change near it; how far away they change sets how well a "
    "calculation can be split over processors.",
    systems=crystals,
    flow=locality_flow,
    document="locality",
    metrics=(
        Metric("far_change", "largest change of a force beyond 12 Å", 1e-4, 1e-1, "eV/Å", logarithmic=True),
        Metric("range", "largest distance at which a force changes by more than 0.0001 eV/Å", 6.0, 25.0, "Å"),
    ),
    curves=(("distances", "changes"),),
    calls=lambda atoms: (2, len(atoms) * int(np.ceil(50 / atoms.cell.lengths()[2]))),
)
