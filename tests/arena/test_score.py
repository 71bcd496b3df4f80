"""Scores, intervals and ranks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.arena.benchmark import Metric
from adatom.arena.score import leaderboard


def record(model, scores, benchmark="waves", failed=()):
    systems = {
        str(number): {
            "metrics": {"height": None if number in failed else 1.0},
            "score": score,
            "document": {},
            "failure": {"kind": "E", "message": "", "directory": None} if number in failed else None,
            "missing": {},
            "seconds": 1.0,
        }
        for number, score in enumerate(scores)
    }
    return {"model": model, "benchmark": benchmark, "title": benchmark.title(), "systems": systems}


def test_equal_scores_have_the_same_rank():
    board = leaderboard([record("a", [0.2]), record("b", [0.9]), record("c", [0.1 + 0.1]), record("d", [0.1])])
    assert {row["model"]: row["rank"] for row in board["models"]} == {"b": 1, "a": 2, "c": 2, "d": 4}
    assert [row["rank"] for row in board["models"]] == [1, 2, 2, 4]


def test_a_benchmark_without_a_record_scores_nothing():
    board = leaderboard([record("a", [0.8]), record("a", [0.6], "tides"), record("b", [0.9])])
    rows = {row["model"]: row for row in board["models"]}
    assert rows["a"]["score"] == pytest.approx(0.7)
    assert rows["b"]["score"] == pytest.approx(0.45)
    assert rows["b"]["benchmarks"]["tides"] is None
    assert board["benchmarks"] == {"waves": "Waves", "tides": "Tides"}


def test_failures_count_and_are_counted():
    (row,) = leaderboard([record("a", [1.0, 0.0, 0.5], failed=(1,))])["models"]
    found = row["benchmarks"]["waves"]
    assert found["score"] == pytest.approx(0.5)
    assert (found["systems"], found["failed"], found["incomplete"]) == (3, 1, 0)


def test_the_interval_is_that_of_a_mean():
    """The bootstrap of a mean has the standard error of the mean for its width, by the central limit theorem."""
    scores = np.random.default_rng(1).uniform(0, 1, 400)
    (row,) = leaderboard([record("a", scores.tolist())])["models"]
    low, high = row["benchmarks"]["waves"]["interval"]
    error = scores.std() / math.sqrt(len(scores))
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)
    assert low < scores.mean() < high
    assert leaderboard([record("a", [0.5])])["models"][0]["benchmarks"]["waves"]["interval"] is None


@given(st.floats(-1e6, 1e6), st.booleans())
def test_a_score_is_between_0_and_1_and_says_its_formula(value, logarithmic):
    metric = Metric("error", "an error", good=1e-3, bad=1.0, unit="eV", logarithmic=logarithmic)
    assert 0 <= metric.score(value) <= 1
    assert "error" in metric.formula


def test_a_score_is_linear_in_between():
    rising = Metric("yield", "", good=1.0, bad=0.0)
    assert [rising.score(value) for value in (-1, 0.25, 2)] == [0, 0.25, 1]
    falling = Metric("error", "", good=1e-4, bad=1.0, logarithmic=True)
    assert [falling.score(value) for value in (1e-6, 1e-2, 0.0, 10)] == pytest.approx([1, 0.5, 1, 0])
    for nothing in (float("nan"), None, float("inf"), float("-inf")):
        assert rising.score(nothing) == 0
