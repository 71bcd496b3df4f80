"""Migration of a vacancy in metals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk

from adatom import subflow
from adatom.analysis.curves import tortuosity
from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import metals
from adatom.recipes import mlip

__all__ = ["VACANCIES"]


@subflow
def vacancy_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = mlip.relax_job,
    neb_job: Callable[..., Any] = mlip.neb_job,
    repeat: int = 2,
    images: int = 5,
) -> dict[str, Any]:
    """Find the path on which a vacancy of a face-centred cubic metal moves by one place.

    Parameters
    ----------
    atoms
        Primitive cell of the metal; its cubic cell is relaxed first.
    relax_job
        Job that relaxes the crystal, and the ends of the path.
    neb_job
        Job that relaxes the band.
    repeat
        Number of cubic cells along each vector.
    images
        Number of structures between the ends.

    Returns
    -------
    dict
        ``"bulk"``, the result of the crystal, and those of `adatom.recipes.mlip.neb_flow`.
    """
    cubic = bulk(str(atoms.symbols[0]), "fcc", a=float(np.sqrt(2) * atoms.cell.lengths()[0]), cubic=True)
    crystal = relax_job(cubic, relax_cell=True)
    return {"bulk": crystal, "path": path_flow(crystal["atoms"], relax_job, neb_job, repeat, images)}


@subflow
def path_flow(
    cubic: Atoms, relax_job: Callable[..., Any], neb_job: Callable[..., Any], repeat: int, images: int
) -> dict[str, Any]:
    """Find the path in a supercell of a relaxed crystal."""
    whole = cubic * (repeat, repeat, repeat)
    neighbour = int(np.argsort(whole.get_distances(0, range(len(whole)), mic=True))[1])
    initial, final = whole.copy(), whole.copy()
    final.positions[neighbour] = whole.positions[0]
    del initial[0], final[0]
    return mlip.neb_flow(initial, final, relax_job=relax_job, neb_job=neb_job, images=images)


def asymmetry(path: Mapping[str, Any]) -> float:
    """Return the difference between the barriers from both ends, which are the same by symmetry."""
    return abs(float(path["forward_barrier"] - path["reverse_barrier"]))


def roughness(path: Mapping[str, Any]) -> float:
    """Return the total variation of the energy along the path, in parts of that of one barrier."""
    return tortuosity(-np.asarray(path["energies"]))


VACANCIES = Benchmark(
    name="vacancies",
    title="Migration of a vacancy",
    about="A vacancy of a face-centred cubic metal moves by one place: over one barrier, which is as "
    "high from either end.",
    systems=metals,
    flow=vacancy_flow,
    document="reaction_path",
    metrics=(
        Metric("forward_barrier", "barrier, above 0", 0.1, 0.0, "eV"),
        Metric("asymmetry", "difference between the barriers from both ends", 1e-3, 0.2, "eV", of=asymmetry),
        Metric("roughness", "total variation of the energy in parts of that of one barrier", 1.0, 2.0, of=roughness),
    ),
    curves=(("coordinates", "energies"),),
    calls=lambda atoms: (400, 31),
)
