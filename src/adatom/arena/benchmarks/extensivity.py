"""Energies and forces of supercells, and of parts that are far apart."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job, subflow
from adatom.analysis import extensivity as analysis
from adatom.analysis.extensivity import Extensivity
from adatom.arena.benchmark import Benchmark, Metric, Size
from adatom.arena.systems import crystals, molecules, rattled
from adatom.recipes import mlip
from adatom.schemas.results import ScanPoints

__all__ = ["EXTENSIVITY"]


@subflow
def extensivity_flow(
    atoms: Atoms, *, scan_job: Callable[..., Any] = mlip.scan_job, distance: float = 30.0
) -> dict[str, Any]:
    """Compute a structure and twice as much of it, and compare their energies and forces.

    Parameters
    ----------
    atoms
        Crystal, of which a supercell of two cells along each vector is made; or molecule, of which there are two.
    scan_job
        Job that computes both structures.
    distance
        Distance between the two molecules in Å.

    Returns
    -------
    dict
        ``"scan"``: the result of the scan. ``"extensivity"``: an `Extensivity`.
    """
    scan = scan_job([atoms, _multiplied(atoms, distance)])
    return {"scan": scan, "extensivity": measure(scan["points"])}


def _multiplied(atoms: Atoms, distance: float) -> Atoms:
    if atoms.pbc.all():
        whole: Atoms = atoms * (2, 2, 2)
        return whole
    other = atoms.copy()
    other.positions[:, 0] += np.ptp(atoms.positions[:, 0]) + distance
    return atoms + other


@job
def measure(points: ScanPoints) -> Extensivity:
    """Compare the energy and forces of the whole with those of its parts."""
    (one, whole), (forces, all_forces) = points["energies"], points["forces"]
    count = len(all_forces) // len(forces)
    return analysis.extensivity(whole, all_forces, [one] * count, [forces] * count)


def systems(size: Size, elements: Collection[str] | None) -> dict[str, Atoms]:
    """Return crystals and molecules of a set, their atoms displaced."""
    return rattled({**crystals(size, elements), **molecules(size, elements)}, repeat=1)


EXTENSIVITY = Benchmark(
    name="extensivity",
    title="Extensivity and size consistency",
    about="A supercell has the energy of its cells, and two molecules that are 30 Å apart have that of each alone.",
    systems=systems,
    flow=extensivity_flow,
    document="extensivity",
    metrics=(
        Metric("energy_error", "energy of the whole against its parts", 1e-5, 1e-1, "eV/atom", logarithmic=True),
        Metric("force_error", "largest difference of a force", 1e-4, 1.0, "eV/Å", logarithmic=True),
    ),
    calls=lambda atoms: (2, 5 * len(atoms)),
)
