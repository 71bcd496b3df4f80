"""Dynamics of crystals that are heated, and compressed besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from adatom import Failure, job, subflow
from adatom.analysis import endurance as analysis
from adatom.analysis.endurance import Endurance
from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import supercells
from adatom.recipes import mlip

__all__ = ["COMPRESSION", "HEATING"]


@subflow
def endurance_flow(
    atoms: Atoms,
    *,
    md_job: Callable[..., Any] = mlip.md_job,
    dynamics: str = "NVT",
    temperatures: tuple[float, float] = (300.0, 3000.0),
    pressures: tuple[float, float] | None = None,
    picoseconds: float = 10.0,
    timestep: float = 1.0,
    stages: int = 10,
) -> dict[str, Any]:
    """Run dynamics stage by stage, in which temperature and pressure rise, until a stage fails.

    Parameters
    ----------
    atoms
        Structure to start from.
    md_job
        Job that runs a stage.
    dynamics
        Dynamics, as for `md_job`.
    temperatures
        Temperature in K at the start and at the end of the run.
    pressures
        Pressure in GPa at the start and at the end. None: the volume is constant.
    picoseconds
        Length of the run in ps.
    timestep
        Time step in fs.
    stages
        Number of stages, each of which goes on from the one before.

    Returns
    -------
    dict
        ``"md"``: a result or failure for each stage. ``"endurance"``: an `Endurance`.
    """
    runs = run_stages(md_job, atoms, temperatures, pressures, picoseconds, timestep, stages, dynamics=dynamics)
    return {"md": runs, "endurance": measure(runs)}


def run_stages(
    md_job: Callable[..., Any],
    atoms: Atoms,
    temperatures: Sequence[float],
    pressures: Sequence[float] | None,
    picoseconds: float,
    timestep: float,
    stages: int,
    *,
    dynamics: str,
) -> list[Any]:
    """Run dynamics stage by stage, in which temperature and pressure go from knot to knot.

    Parameters
    ----------
    md_job, atoms, dynamics, picoseconds, timestep, stages
        Same as in `endurance_flow`.
    temperatures, pressures
        Temperatures in K and pressures in GPa, evenly spaced over the run and linear in between. A stage is linear: the
        number of stages is a multiple of the number of intervals.

    Returns
    -------
    list
        Result of each stage.
    """
    hot = _at_stages(temperatures, stages)
    dense = None if pressures is None else _at_stages(pressures, stages) * units.GPa
    steps = max(1, round(picoseconds * 1000 / timestep / stages))
    runs: list[Any] = []
    for stage in range(stages):
        more = {} if dense is None else {"pressure": dense[stage : stage + 2].tolist()}
        before = runs[-1]["atoms"] if runs else atoms
        run = md_job(
            before,
            dynamics=dynamics,
            steps=steps,
            timestep=timestep,
            temperature=hot[stage : stage + 2].tolist(),
            keep_velocities=bool(runs),
            seed=stage,
            interval=max(100, steps // 100),
            **more,
        )
        runs.append(run)
    return runs


def _at_stages(knots: Sequence[float], stages: int) -> NDArray[np.float64]:
    """Return the values between the stages, the first and the last among them."""
    return np.interp(np.linspace(0, 1, stages + 1), np.linspace(0, 1, len(knots)), knots)


@job(failed_inputs="tolerate")
def measure(runs: Sequence[Any]) -> Endurance:
    """Return the part of the run before the first stage that failed."""
    return analysis.endurance([run.in_short if isinstance(run, Failure) else "" for run in runs])


HEATING = Benchmark(
    name="heating",
    title="Heating",
    about="Dynamics of 10 ps at constant volume, from 300 to 3000 K. A potential that loses its atoms or its repulsion "
    "ends the run.",
    systems=supercells,
    flow=endurance_flow,
    document="endurance",
    metrics=(Metric("reached", "part of the run before the first failure", 1.0, 0.0),),
    calls=lambda atoms: (10_000, len(atoms)),
    version=2,  # each stage has random numbers of its own
    citation="Y. Chiang et al., MLIP Arena, AI4Mat workshop at ICLR (2025), https://openreview.net/forum?id=ysKfIavYQE",
)
COMPRESSION = replace(
    HEATING,
    name="compression",
    title="Heating under pressure",
    about="Dynamics of 10 ps from 300 to 3000 K and from 0 to 500 GPa. A potential without a repulsive wall, or "
    "without a stress, ends the run.",
    parameters={"dynamics": "NPTBerendsen", "pressures": (0.0, 500.0)},
)
