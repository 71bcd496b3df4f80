"""Energies of crystals that are stretched until their atoms are alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job, subflow
from adatom.analysis import smoothness as analysis
from adatom.analysis.smoothness import Smoothness
from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import crystals
from adatom.atoms.deformations import scale_volume
from adatom.recipes import mlip
from adatom.schemas.results import ScanPoints

__all__ = ["SMOOTHNESS"]


@subflow
def smoothness_flow(
    atoms: Atoms, *, scan_job: Callable[..., Any] = mlip.scan_job, largest: float = 3.0, number: int = 211
) -> dict[str, Any]:
    """Compute a crystal that is stretched evenly, and measure the steps in its energy.

    One shell of neighbours after the other leaves the range of the potential, all atoms of a shell at once: a cut-off
    that is not smooth shows best there.

    Parameters
    ----------
    atoms
        Crystal that is stretched.
    scan_job
        Job that computes the crystal at all lengths.
    largest
        Largest length in parts of that of `atoms`; the smallest is 0.9.
    number
        Number of lengths, evenly spaced.

    Returns
    -------
    dict
        ``"scan"``: the result of the scan. ``"smoothness"``: a `Smoothness`.
    """
    stretches = np.linspace(0.9, largest, number)
    scan = scan_job(scale_volume(atoms, (stretches**3 - 1).tolist()), properties=["energy"])
    return {"scan": scan, "smoothness": measure(scan["points"], stretches, len(atoms))}


@job
def measure(points: ScanPoints, stretches: Any, count: int) -> Smoothness:
    """Return the steps in the energy of a crystal."""
    return analysis.smoothness(stretches, points["energies"], count)


SMOOTHNESS = Benchmark(
    name="smoothness",
    title="Smoothness at the cut-off",
    about="A crystal is stretched to three times its lengths, so that all shells of neighbours leave the range of the "
    "potential. The energy has no steps.",
    systems=crystals,
    flow=smoothness_flow,
    document="smoothness",
    metrics=(
        Metric(
            "largest_step",
            "largest step of the energy from one length to the next",
            1e-4,
            1e-1,
            "eV/atom",
            logarithmic=True,
        ),
        Metric("flips", "changes of direction of the energy", 1, 5),
    ),
    curves=(("stretches", "energies"),),
    calls=lambda atoms: (211, len(atoms)),
)
