"""Time that benchmarks will take, from a few calls of the models."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict

from ase.build import bulk

from adatom import Failure, flow, job
from adatom.arena.benchmark import Benchmark, Size
from adatom.calculators.models import Calculator, make_model

__all__ = ["Estimate", "estimate"]

#: Crystals that are timed, of which a model may know one: the first is a metal, the second for organic models.
_CRYSTALS = ("Cu", "C", "Si")
_SIZES, _TIMES = (1, 3), 3


class Estimate(TypedDict):
    """Time that a benchmark of a model will take.

    Attributes
    ----------
    benchmark, model
        Names of both.
    systems, calls
        Number of systems, and of calls of the model for all of them.
    seconds
        Time in s on one worker; None if the model could not be timed.
    failure
        Why it could not; empty if it could.
    """

    benchmark: str
    model: str
    systems: int
    calls: int
    seconds: float | None
    failure: str


def estimate(
    benchmarks: Sequence[Benchmark],
    calculators: Mapping[str, Calculator],
    size: Size,
    elements: Collection[str] | None,
    runner: Any = None,
) -> list[Estimate]:
    """Return the time that benchmarks will take, by the time that a call of each model takes here.

    Parameters
    ----------
    benchmarks
        Benchmarks.
    calculators
        Calculators by name, in any form that `adatom.calculators.models.make_model` takes.
    size, elements
        Same as in `adatom.arena.campaign.run_benchmarks`.
    runner
        Runner for the jobs that time the calls.
    """

    @flow(name="bench-plan", on_failure="return", runner=runner)
    def timed() -> dict[str, Any]:
        return {name: time_calls(calculator) for name, calculator in calculators.items()}

    costs = timed()
    found: list[Estimate] = []
    for one in benchmarks:
        calls = [one.calls(system) for system in one.chosen(size, elements).values()]
        for name, cost in costs.items():
            failed = isinstance(cost, Failure)
            seconds = None if failed else sum(count * (cost["call"] + cost["atom"] * atoms) for count, atoms in calls)
            found.append(
                {
                    "benchmark": one.name,
                    "model": name,
                    "systems": len(calls),
                    "calls": sum(count for count, _ in calls),
                    "seconds": seconds,
                    "failure": cost.in_short if failed else "",
                }
            )
    return found


@job(cache="off")
def time_calls(calculator: Calculator) -> dict[str, float]:
    """Return the time in s of a call, and that of an atom in it."""
    trouble: Exception | None = None
    for symbol in _CRYSTALS:
        try:
            return _fit([_timed(calculator, bulk(symbol, cubic=True) * (n, n, n)) for n in _SIZES])
        except Exception as error:  # a potential that does not know the element raises anything
            trouble = trouble or error
    assert trouble is not None
    raise trouble


def _timed(calculator: Calculator, atoms: Any) -> tuple[int, float]:
    made = make_model(calculator)
    times = []
    for number in range(_TIMES):
        atoms.rattle(0.01, seed=number)
        start = time.perf_counter()
        made.get_potential_energy(atoms)
        times.append(time.perf_counter() - start)
    return len(atoms), min(times)


def _fit(points: list[tuple[int, float]]) -> dict[str, float]:
    (few, short), (many, long) = points
    atom = max((long - short) / (many - few), 0.0)
    return {"call": max(short - atom * few, 0.0), "atom": atom}
