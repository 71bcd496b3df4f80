"""Conservation of energy in dynamics without a thermostat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ase import Atoms

from adatom import subflow
from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import supercells
from adatom.recipes import mlip

__all__ = ["CONSERVATION"]


@subflow
def conservation_flow(
    atoms: Atoms, *, md_job: Callable[..., Any] = mlip.md_job, temperature: float = 1000.0, steps: int = 1000
) -> dict[str, Any]:
    """Run dynamics at constant energy, with a time step of 1 fs.

    Parameters
    ----------
    atoms
        Structure to start from.
    md_job
        Job that runs the dynamics.
    temperature
        Temperature in K of the first velocities.
    steps
        Number of time steps.

    Returns
    -------
    dict
        ``"md"``: the result of the dynamics, with the drift of the energy.
    """
    return {"md": md_job(atoms, dynamics="NVE", temperature=temperature, steps=steps, timestep=1.0)}


def drift(result: Mapping[str, Any]) -> float:
    """Return the size of the drift of the total energy."""
    return abs(float(result["averages"]["drift"]))


CONSERVATION = Benchmark(
    name="conservation",
    title="Conservation of energy",
    about="Dynamics of 1 ps at constant energy, from 1000 K. The total energy drifts where forces are not those of the "
    "energy, or where the potential is rough.",
    systems=supercells,
    flow=conservation_flow,
    document="md",
    metrics=(Metric("drift", "drift of the total energy", 1e-4, 1e-1, "eV/atom/ps", logarithmic=True, of=drift),),
    calls=lambda atoms: (1001, len(atoms)),
)
