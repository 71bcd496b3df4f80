"""Two records of one benchmark side by side."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from adatom.arena.benchmark import Metric
from adatom.arena.records import MetricRow, Record
from adatom.errors import InputError

__all__ = ["Comparison", "MetricComparison", "compare"]


class MetricComparison(TypedDict):
    """A metric of two records, as means over the systems in which both have it; None if there are none.

    Attributes
    ----------
    name, unit
        Same as in `adatom.arena.benchmark.Metric`.
    systems
        Number of these systems.
    first, second
        Means of the records.
    better
        ``"first"`` or ``"second"``, the one whose mean has the higher score; empty if both have the same.
    """

    name: str
    unit: str
    systems: int
    first: float | None
    second: float | None
    better: str


class Comparison(TypedDict):
    """Two records of one benchmark side by side.

    Attributes
    ----------
    benchmark
        Name of the benchmark.
    first, second
        Names of the models.
    scores
        Scores of both, from 0 to 1.
    metrics
        Comparison for each metric.
    only_first, only_second
        Systems that failed in the other record.
    """

    benchmark: str
    first: str
    second: str
    scores: tuple[float, float]
    metrics: list[MetricComparison]
    only_first: list[str]
    only_second: list[str]


def compare(first: Record, second: Record) -> Comparison:
    """Compare two records of one benchmark: of two models, or of one model at two times.

    Parameters
    ----------
    first, second
        Records, as `adatom.arena.records.load_records` returns them.

    Raises
    ------
    InputError
        The records are of two benchmarks, or of other protocols.
    """
    if first["benchmark"] != second["benchmark"]:
        raise InputError(
            f"The records are of {first['benchmark']} and {second['benchmark']}. Give two of the same benchmark."
        )
    if first["protocol"] != second["protocol"]:
        raise InputError(
            f"The records of {first['benchmark']} are not comparable: they are of other sets of systems, parameters or "
            "metrics. Run both in the same way."
        )
    one, other = first["systems"], second["systems"]
    scores = [float(np.mean([system["score"] for system in record["systems"].values()])) for record in (first, second)]
    return {
        "benchmark": first["benchmark"],
        "first": first["model"],
        "second": second["model"],
        "scores": (scores[0], scores[1]),
        "metrics": [_metric(row, first, second) for row in first["metrics"]],
        "only_first": [name for name in one if not one[name]["failure"] and other[name]["failure"]],
        "only_second": [name for name in other if not other[name]["failure"] and one[name]["failure"]],
    }


def _metric(row: MetricRow, first: Record, second: Record) -> MetricComparison:
    name = row["name"]
    pairs = [
        (first["systems"][key]["metrics"][name], second["systems"][key]["metrics"][name]) for key in first["systems"]
    ]
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    means = np.mean(both, axis=0) if both else None
    better = ""
    if means is not None:
        metric = Metric(name, row["about"], row["good"], row["bad"], logarithmic=row["logarithmic"])
        one, other = (metric.score(float(mean)) for mean in means)
        better = "" if one == other else ("first" if one > other else "second")
    return {
        "name": name,
        "unit": row["unit"],
        "systems": len(both),
        "first": None if means is None else float(means[0]),
        "second": None if means is None else float(means[1]),
        "better": better,
    }
