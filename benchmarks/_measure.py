"""What all benchmarks share: paired runs, ratios, a table.

The machine is never quiet. So the two things that are compared run in turns, the order swapped each time, a ratio is
taken of each pair, and the median of the ratios counts. Its quartiles tell how far to trust it; where they lie far
apart, look at the ratio of the shortest runs ("best"), which others on the machine have disturbed least.
"""

import argparse
import atexit
import gc
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

# No settings file, no server, and no telemetry of the user's takes part. Before any engine is imported.
SCRATCH = Path(tempfile.mkdtemp(prefix="adatom-benchmarks-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
os.environ.setdefault("PREFECT_HOME", str(SCRATCH / "prefect"))
os.environ.update(
    ADATOM_CONFIG_FILE=os.devnull,
    DO_NOT_TRACK="1",
    PREFECT_LOGGING_LEVEL="ERROR",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
)


@dataclass
class Row:
    """One line of the table.

    Attributes
    ----------
    subject
        What was measured.
    target
        What it should not exceed; None if it is shown for comparison only.
    measured, low, high, best
        The median of the ratios, their quartiles, and the ratio of the shortest runs; or of numbers that are no ratios
        the median, the quartiles and the least.
    ours, base
        Medians of what was compared, with their unit.
    unit
        Of what was measured; none for a ratio.
    """

    subject: str
    target: float | None
    measured: float
    low: float
    high: float
    best: float
    ours: str = ""
    base: str = ""
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met."""
        return None if self.target is None else self.measured <= self.target


def compare(
    subject: str,
    target: float | None,
    ours: Callable[[], float | None],
    base: Callable[[], float | None],
    repeats: int,
    settle: Callable[[], object] = gc.collect,
    warm_up: bool = True,
) -> Row:
    """The ratio of two durations.

    Parameters
    ----------
    subject, target
        What is measured, and what the ratio should not exceed.
    ours, base
        Called in turns. What they return is their duration in s, else the call is timed.
    repeats
        How many pairs.
    settle
        Called before each run, and not timed.
    warm_up
        Whether both are called once before, which does not count.
    """
    pairs = []
    for number in range(-1 if warm_up else 0, repeats):
        order = (ours, base) if number % 2 else (base, ours)
        seconds = {function: _timed(function, settle) for function in order}
        if number >= 0:
            pairs.append((seconds[ours], seconds[base]))
    ratios = [ours / base for ours, base in pairs]
    of_ours, of_base = zip(*pairs, strict=True)
    best = min(of_ours) / min(of_base)
    return Row(subject, target, *_quartiles(ratios), best, show_time(median(of_ours)), show_time(median(of_base)))


def absolute(subject: str, target: float | None, values: list[float], unit: str) -> Row:
    """A number that is no ratio.

    Parameters
    ----------
    subject, target, unit
        What is measured, what it should not exceed, and the unit of both.
    values
        What was measured.
    """
    return Row(subject, target, *_quartiles(values), min(values), unit=unit)


def _timed(function: Callable[[], float | None], settle: Callable[[], object]) -> float:
    settle()
    start = time.perf_counter()
    said = function()
    return time.perf_counter() - start if said is None else said


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return median(values), low, high


def show_time(seconds: float) -> str:
    """A duration in a unit that fits.

    Parameters
    ----------
    seconds
        The duration.
    """
    for factor, unit in ((1, "s"), (1e3, "ms")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def arguments(about: str, repeats: int, **extra: dict) -> argparse.Namespace:
    """The command line of a benchmark.

    Parameters
    ----------
    about
        What it measures.
    repeats
        How many pairs, if the user does not say.
    **extra
        Options of its own, as `argparse` wants them.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--repeats", type=int, default=repeats, help="pairs of runs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    for name, options in extra.items():
        parser.add_argument(f"--{name}", **options)
    return parser.parse_args()


def report(title: str, rows: list[Row], as_json: bool) -> None:
    """Print the table.

    Parameters
    ----------
    title
        Stands above it.
    rows
        Its lines.
    as_json
        Print JSON instead.
    """
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    if as_json:
        lines = [{**asdict(row), "met": row.met} for row in rows]
        json.dump({"title": title, "machine": machine, "rows": lines}, sys.stdout, indent=1)
        print()
        return
    columns = ("", "target", "measured", "quartiles", "best", "", "adatom", "compared with")
    table = Table(*columns, title=title, caption=machine)
    marks = {True: "[green]met", False: "[red]not met", None: ""}
    for row in rows:
        target = "" if row.target is None else f"{row.target:g} {row.unit}"
        digits = ".2f" if row.measured < 10 else ".0f"
        low, high, best = (f"{value:{digits}}" for value in (row.low, row.high, row.best))
        measured = f"{row.measured:{digits}} {row.unit}"
        table.add_row(row.subject, target, measured, f"{low} to {high}", best, marks[row.met], row.ours, row.base)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@contextmanager
def scratch():
    """A directory for the files of a benchmark, and the working directory while it lasts.

    Yields
    ------
    Path
        The directory.
    """
    before = Path.cwd()
    with tempfile.TemporaryDirectory(dir=SCRATCH, ignore_cleanup_errors=True) as directory:
        os.chdir(directory)
        try:
            yield Path(directory)
        finally:
            os.chdir(before)
