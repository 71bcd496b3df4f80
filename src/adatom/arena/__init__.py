"""Benchmarks of models that need no reference: runs, records, scores and the report."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatom.arena.benchmark import Benchmark, Metric
    from adatom.arena.campaign import run_benchmarks
    from adatom.arena.comparison import compare
    from adatom.arena.records import load_records
    from adatom.arena.report.page import write_page
    from adatom.arena.score import leaderboard

__all__ = [
    "Benchmark",
    "Metric",
    "compare",
    "leaderboard",
    "load_records",
    "run_benchmarks",
    "write_page",
]

_PLACES = {
    "Benchmark": "benchmark",
    "Metric": "benchmark",
    "compare": "comparison",
    "leaderboard": "score",
    "load_records": "records",
    "run_benchmarks": "campaign",
    "write_page": "report.page",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"adatom.arena.{_PLACES[name]}"), name)
    globals()[name] = found
    return found
