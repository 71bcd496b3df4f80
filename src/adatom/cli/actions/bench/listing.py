"""Body of ``adatom bench list``."""

from __future__ import annotations

from adatom.arena.benchmark import SIZES
from adatom.arena.benchmarks import BENCHMARKS, find_benchmark
from adatom.cli.tables import print_json, print_table

__all__ = ["list_benchmarks"]


def list_benchmarks(as_json: bool) -> None:
    """Print the benchmarks.

    Parameters
    ----------
    as_json
        True prints JSON in place of a table.
    """
    found = [find_benchmark(name) for name in BENCHMARKS]
    counts = [[len(one.systems(size, None)) for size in SIZES] for one in found]
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "title": one.title,
                    "about": one.about,
                    "systems": dict(zip(SIZES, count, strict=True)),
                    "metrics": {metric.name: metric.formula for metric in one.metrics},
                }
                for one, count in zip(found, counts, strict=True)
            ]
        )
        return
    rows = [(one.name, *map(str, count), one.title) for one, count in zip(found, counts, strict=True)]
    print_table(("benchmark", *SIZES, "what it shows"), rows, right=SIZES)
