"""Combustion of hydrogen."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import product, takewhile
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import molecule

from adatom import Failure, job, subflow
from adatom.analysis import combustion as analysis
from adatom.analysis.combustion import Combustion
from adatom.arena.benchmark import Benchmark, Metric, Size
from adatom.arena.benchmarks.endurance import measure as measure_endurance
from adatom.arena.benchmarks.endurance import run_stages
from adatom.recipes import mlip

__all__ = ["COMBUSTION", "combustion_flow", "make_mixture"]

#: Number of O2 molecules of each system, with twice as many of H2, and the length of the run in ps.
_SYSTEMS = {"small": (2, 2.0), "medium": (16, 50.0), "full": (64, 1000.0)}
#: Time step in fs, short enough for hydrogen at 3000 K.
_TIMESTEP = 0.5
#: Energy in kcal/mol at which H2 and half of O2 react to liquid water: the protocol of MLIP Arena.
REACTION_ENERGY = -68.3078


def make_mixture(oxygens: int, density: float = 0.25, seed: int = 0) -> Atoms:
    """Return molecules of H2 and O2, two to one, in a periodic cube.

    Parameters
    ----------
    oxygens
        Number of O2 molecules.
    density
        Density in g/cm³. The molecules are on the points of a simple cubic lattice, so that they do not overlap: at the
        default no two of them are nearer than 2 Å.
    seed
        Seed of the orientations, and of which molecule is where.
    """
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(seed)
    kinds = ["O2"] * oxygens + ["H2"] * (2 * oxygens)
    mass = sum(molecule(kind).get_masses().sum() for kind in kinds)
    edge = (mass * units._amu * 1e3 / density) ** (1 / 3) * 1e8
    along = math.ceil(round(len(kinds) ** (1 / 3), 6))
    places = rng.permutation(list(product(range(along), repeat=3)))[: len(kinds)] * edge / along
    mixture = Atoms(cell=[edge] * 3, pbc=True)
    for kind, place, turn in zip(kinds, places, Rotation.random(len(kinds), rng=rng).as_matrix(), strict=True):
        one = molecule(kind)
        one.set_initial_magnetic_moments(None)  # of O2, for which potentials have no use
        one.positions = (one.positions - one.get_center_of_mass()) @ turn + place
        mixture += one
    return mixture


def systems(size: Size, elements: Collection[str] | None) -> dict[str, tuple[int, float]]:
    """Return numbers of O2 molecules and lengths of the run in ps, by formula: those up to a size."""
    if elements is not None and not {"H", "O"} <= set(elements):
        return {}
    last = list(_SYSTEMS).index("full" if elements is not None else size)
    return {f"H{4 * oxygens}O{2 * oxygens}": (oxygens, ps) for oxygens, ps in list(_SYSTEMS.values())[: last + 1]}


@subflow
def combustion_flow(
    system: tuple[int, float],
    *,
    static_job: Callable[..., Any] = mlip.static_job,
    md_job: Callable[..., Any] = mlip.md_job,
    temperatures: Sequence[float] = (300.0, 3000.0, 3000.0, 300.0),
    timestep: float = _TIMESTEP,
    stages: int = 12,
) -> dict[str, Any]:
    """Heat a mixture of hydrogen and oxygen at constant volume until it burns, and cool it, stage by stage.

    Parameters
    ----------
    system
        Number of O2 molecules, with twice as many of H2, and the length of the run in ps.
    static_job
        Job that computes the energy of the first structure.
    md_job
        Job that runs a stage.
    temperatures
        Temperatures in K, evenly spaced over the run and linear in between.
    timestep
        Time step in fs.
    stages
        Number of stages, each of which goes on from the one before.

    Returns
    -------
    dict
        ``"static"``, the result of the first structure; ``"md"``, a result or failure for each stage;
        ``"combustion"``, a `Combustion`.
    """
    oxygens, picoseconds = system
    start = make_mixture(oxygens)
    first = static_job(start, properties=["energy"])
    runs = run_stages(md_job, start, temperatures, None, picoseconds, timestep, stages, dynamics="Bussi")
    return {"static": first, "md": runs, "combustion": measure(start, first, runs, measure_endurance(runs))}


@job(failed_inputs="tolerate")
def measure(start: Atoms, first: Any, runs: Sequence[Any], endurance: Mapping[str, Any]) -> Combustion:
    """Return measures of the run up to the first stage that failed."""
    done = list(takewhile(lambda run: not isinstance(run, Failure), runs))
    whole = bool(done) and not isinstance(first, Failure)
    return analysis.combustion(
        start,
        done[-1]["atoms"] if done else start,
        done[-1]["results"]["energy"] - first["results"]["energy"] if whole else np.nan,
        steps=sum(run["parameters"]["steps"] for run in done),
        seconds=sum(run["provenance"]["duration"] for run in done),
        reached=endurance["reached"],
        reason=endurance["reason"],
    )


def reaction_error(document: Mapping[str, Any]) -> float:
    """Return the distance in kcal/mol of the reaction energy from that of the experiment."""
    return abs(float(document["reaction_energy"]) - REACTION_ENERGY)


def _calls(system: tuple[int, float]) -> tuple[int, int]:
    oxygens, picoseconds = system
    return round(picoseconds * 1000 / _TIMESTEP), 6 * oxygens


COMBUSTION = Benchmark(
    name="combustion",
    title="Combustion of hydrogen",
    about="H2 and O2 at constant volume go from 300 to 3000 K, stay there, and return. A potential that knows bonds "
    "burns them to water.",
    systems=systems,
    flow=combustion_flow,
    document="combustion",
    metrics=(
        Metric("water_yield", "part of the water molecules that the atoms allow", 1.0, 0.0),
        Metric(
            "reaction_error",
            f"difference of the reaction energy by water molecule from {REACTION_ENERGY} kcal/mol",
            5.0,
            50.0,
            "kcal/mol",
            of=reaction_error,
        ),
        Metric("drift", "distance by which the centre of mass has moved", 1e-2, 10.0, "Å", logarithmic=True),
        Metric("reached", "part of the run before the first failure", 1.0, 0.0),
        Metric(
            "steps_per_second",
            "steps by the time of the run, which counts nothing",
            1e3,
            1e-1,
            "1/s",
            logarithmic=True,
            weight=0.0,
        ),
    ),
    calls=_calls,
    citation="Y. Chiang et al., MLIP Arena, AI4Mat workshop at ICLR (2025), https://openreview.net/forum?id=ysKfIavYQE",
)
