"""Energies and forces of structures that are turned, reflected, shifted and renumbered."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ase import Atoms

from adatom import job, subflow
from adatom.analysis import equivariance as analysis
from adatom.analysis.equivariance import Equivariance, moved_structures
from adatom.arena.benchmark import Benchmark, Metric, Size
from adatom.arena.systems import crystals, molecules, rattled
from adatom.recipes import mlip
from adatom.schemas.results import ScanPoints

__all__ = ["EQUIVARIANCE"]


@subflow
def equivariance_flow(atoms: Atoms, *, scan_job: Callable[..., Any] = mlip.scan_job, number: int = 3) -> dict[str, Any]:
    """Compute a structure and random motions of it, and compare their energies and forces.

    Parameters
    ----------
    atoms
        Structure without symmetry, so that its forces are not zero.
    scan_job
        Job that computes all structures.
    number
        Number of motions of each kind.

    Returns
    -------
    dict
        ``"scan"``: the result of the scan. ``"equivariance"``: an `Equivariance`.
    """
    moved = moved_structures(atoms, number)
    scan = scan_job([atoms, *(structure for kind in moved.values() for structure, _, _ in kind)])
    return {"scan": scan, "equivariance": measure(atoms, scan["points"], number)}


@job
def measure(atoms: Atoms, points: ScanPoints, number: int) -> Equivariance:
    """Compare the energies and forces of the moved structures with those of the first one."""
    energy, forces = points["energies"][0], points["forces"][0]
    energies, found, expected = {}, {}, {}
    start = 1
    for kind, motions in moved_structures(atoms, number).items():
        own = slice(start, start + len(motions))
        energies[kind], found[kind] = points["energies"][own], points["forces"][own]
        expected[kind] = [(forces @ matrix)[places] for _, matrix, places in motions]
        start += len(motions)
    return analysis.equivariance(energies, found, energy, expected)


def systems(size: Size, elements: Collection[str] | None) -> dict[str, Atoms]:
    """Return crystals and molecules of a set, their atoms displaced."""
    return rattled({**crystals(size, elements), **molecules(size, elements)})


_MOTIONS = ("rotation", "reflection", "translation", "permutation")
EQUIVARIANCE = Benchmark(
    name="equivariance",
    title="Equivariance",
    about="A structure that is turned, reflected, shifted or renumbered has the same energy, and forces that move "
    "with it.",
    systems=systems,
    flow=equivariance_flow,
    document="equivariance",
    metrics=(
        *(
            Metric(f"{kind}_energy", f"largest change of the energy by {kind}", 1e-5, 1e-1, "eV/atom", logarithmic=True)
            for kind in _MOTIONS
        ),
        *(
            Metric(f"{kind}_forces", f"largest difference of a force after {kind}", 1e-4, 1.0, "eV/Å", logarithmic=True)
            for kind in _MOTIONS
        ),
    ),
    calls=lambda atoms: (13, len(atoms)),
)
