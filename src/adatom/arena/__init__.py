"""Benchmarks of models that need no reference: runs, records, scores and the report."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enum import Enum

    from adatom.arena.benchmark import Benchmark, Metric
    from adatom.arena.campaign import run_benchmarks
    from adatom.arena.comparison import compare
    from adatom.arena.models import get_calculator
    from adatom.arena.records import load_records
    from adatom.arena.reference import reference_benchmark
    from adatom.arena.report.page import write_page
    from adatom.arena.score import leaderboard

    MLIPEnum: type[Enum]
    REGISTRY: dict[str, dict[str, Any]]

__all__ = [
    "REGISTRY",
    "Benchmark",
    "MLIPEnum",
    "Metric",
    "compare",
    "get_calculator",
    "leaderboard",
    "load_records",
    "reference_benchmark",
    "run_benchmarks",
    "write_page",
]

_PLACES = {
    "Benchmark": "benchmark",
    "Metric": "benchmark",
    "compare": "comparison",
    "get_calculator": "models",
    "leaderboard": "score",
    "load_records": "records",
    "reference_benchmark": "reference",
    "run_benchmarks": "campaign",
    "write_page": "report.page",
}


# What depends on the setting `models` is made anew each time: a function without parameters in `models`.
_MADE = {"MLIPEnum": "model_enum", "REGISTRY": "registry"}


def __getattr__(name: str) -> Any:
    if name in _MADE:
        return getattr(import_module("adatom.arena.models"), _MADE[name])()
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"adatom.arena.{_PLACES[name]}"), name)
    globals()[name] = found
    return found
