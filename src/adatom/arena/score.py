"""Scores and ranks of models, from the records of their runs.

The score of a system is the mean of the scores of its metrics by their weights; that of a benchmark is the mean over
its systems, of which one that failed scores 0; that of a model is the mean over the benchmarks of the leaderboard, of
which one without a record scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from adatom.arena.records import Record

__all__ = ["BenchmarkScore", "Leaderboard", "ModelScore", "leaderboard"]

#: Number of samples with replacement for an interval, and its part of them.
_SAMPLES, _LEVEL = 1000, 0.95


class BenchmarkScore(TypedDict):
    """Score of a model in a benchmark.

    Attributes
    ----------
    score
        Score from 0 to 1.
    interval
        Interval that holds 95 % of the scores of other samples of the systems, by bootstrap. None with one system.
    rank
        Rank among the models, 1 for the best; equal scores have the same rank.
    systems, failed, incomplete
        Number of systems, of those that failed, and of those that lack a metric.
    """

    score: float
    interval: tuple[float, float] | None
    rank: int
    systems: int
    failed: int
    incomplete: int


class ModelScore(TypedDict):
    """Scores of a model.

    Attributes
    ----------
    model
        Name of the model.
    score
        Mean of the scores over all benchmarks, from 0 to 1.
    rank
        Rank among the models, 1 for the best; equal scores have the same rank.
    benchmarks
        Score in each benchmark by name; None without a record.
    """

    model: str
    score: float
    rank: int
    benchmarks: dict[str, BenchmarkScore | None]


class Leaderboard(TypedDict):
    """Models by rank, and the titles of the benchmarks by name."""

    models: list[ModelScore]
    benchmarks: dict[str, str]


def leaderboard(records: Sequence[Record]) -> Leaderboard:
    """Return the scores and ranks of models.

    Parameters
    ----------
    records
        Records of the runs, as `adatom.arena.records.load_records` returns them.
    """
    titles = {record["benchmark"]: record["title"] for record in records}
    models = list(dict.fromkeys(record["model"] for record in records))
    scores = {(record["model"], record["benchmark"]): _score(record) for record in records}
    for name in titles:
        there = [scores[model, name] for model in models if (model, name) in scores]
        for one, rank in zip(there, _ranks([one["score"] for one in there]), strict=True):
            one["rank"] = rank
    rows: list[ModelScore] = []
    for model in models:
        found = {name: scores.get((model, name)) for name in titles}
        mean = float(np.mean([one["score"] if one else 0.0 for one in found.values()]))
        rows.append({"model": model, "score": mean, "rank": 0, "benchmarks": found})
    for row, rank in zip(rows, _ranks([row["score"] for row in rows]), strict=True):
        row["rank"] = rank
    return {"models": sorted(rows, key=lambda row: row["rank"]), "benchmarks": titles}


def _score(record: Record) -> BenchmarkScore:
    systems = record["systems"].values()
    scores = np.array([system["score"] for system in systems])
    return {
        "score": float(scores.mean()),
        "interval": _interval(scores),
        "rank": 0,
        "systems": len(scores),
        "failed": sum(system["failure"] is not None for system in systems),
        "incomplete": sum(
            system["failure"] is None and any(value is None for value in system["metrics"].values())
            for system in systems
        ),
    }


def _interval(scores: np.ndarray) -> tuple[float, float] | None:
    if len(scores) < 2:
        return None
    samples = np.random.default_rng(0).choice(scores, (_SAMPLES, len(scores))).mean(axis=1)
    low, high = np.quantile(samples, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def _ranks(scores: Sequence[float]) -> list[int]:
    """Return the rank of each score: one more than the number of those that are higher."""
    rounded = np.round(scores, 9)  # of equal scores that were added in another order
    return [1 + int((rounded > own).sum()) for own in rounded]
