"""Cohesive and surface energies of metals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job, subflow
from adatom.analysis import cohesion as analysis
from adatom.analysis.cohesion import Cohesion
from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import metals
from adatom.atoms.isolated import isolated_atoms
from adatom.recipes import mlip

__all__ = ["COHESION"]

#: Surfaces of a face-centred cubic metal, the most densely packed first.
_ORDER = ((1, 1, 1), (1, 0, 0), (1, 1, 0))


@subflow
def cohesion_flow(
    atoms: Atoms, *, relax_job: Callable[..., Any] = mlip.relax_job, static_job: Callable[..., Any] = mlip.static_job
) -> dict[str, Any]:
    """Compute an atom, a crystal and its surfaces of low index.

    Parameters
    ----------
    atoms
        Primitive cell of a face-centred cubic metal.
    relax_job
        Job that relaxes the crystal and the slabs.
    static_job
        Job that computes the atom and the relaxed slabs.

    Returns
    -------
    dict
        ``"atom"``, ``"bulk"`` and ``"slabs"``: the results. ``"cohesion"``: a `Cohesion`.
    """
    (alone,) = isolated_atoms([str(atoms.symbols[0])])
    atom, bulk = static_job(alone), relax_job(atoms, relax_cell=True)
    slabs = mlip.bulk_to_slabs_flow(bulk["atoms"], relax_job=relax_job, static_job=static_job)
    return {"atom": atom, "bulk": bulk, "slabs": slabs, "cohesion": measure(atom, bulk, slabs["surface_energies"])}


@job
def measure(atom: Any, bulk: Any, surface_energies: Any) -> Cohesion:
    """Return the cohesive energy, and how the surface energies are ordered."""
    found = {tuple(surface["miller_index"]): surface["surface_energy"] for surface in surface_energies["surfaces"]}
    each = bulk["results"]["energy"] / len(bulk["atoms"])
    known = {index: np.nan if (energy := found.get(index)) is None else energy for index in _ORDER}
    return analysis.cohesion(atom["results"]["energy"], each, known, _ORDER)


COHESION = Benchmark(
    name="cohesion",
    title="Cohesive and surface energies",
    about="A metal holds together, its surfaces cost energy, and the most densely packed ones cost least.",
    systems=metals,
    flow=cohesion_flow,
    document="cohesion",
    metrics=(
        Metric("cohesive_energy", "energy of an atom alone minus that of one in the crystal", 0.5, 0.0, "eV/atom"),
        Metric("lowest_surface_energy", "lowest surface energy", 0.1, 0.0, "J/m²"),
        Metric("disorder", "part by which a densely packed surface costs more than another", 0.0, 0.2),
    ),
    calls=lambda atoms: (200, 10),
)
