"""Body of ``adatom bench run``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from adatom import make_runner
from adatom.arena.benchmark import Benchmark, Size
from adatom.arena.benchmarks import BENCHMARKS, find_benchmark
from adatom.arena.campaign import calculators_of, run_benchmarks, worker_processes
from adatom.arena.elements import elements_of
from adatom.arena.estimate import estimate
from adatom.arena.records import Record
from adatom.arena.score import leaderboard
from adatom.cli.progress import progress
from adatom.cli.quantities import show_seconds
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_table, print_text
from adatom.settings import get_settings

__all__ = ["run_bench"]


def run_bench(
    names: list[str],
    models: list[str],
    size: Size,
    elements: str | None,
    timeout: float,
    profile: str | None,
    out: Path,
    plan: bool,
    as_json: bool,
) -> None:
    """Run benchmarks of models and print their scores; or print how long they would take.

    Parameters
    ----------
    names
        Names of benchmarks; ``["all"]`` for all of them.
    models
        Names of models.
    size, timeout
        Same as in `run_benchmarks`.
    elements
        Elements, as `elements_of` takes them; None: all.
    profile
        Name of a runner profile; None: worker processes, or the engine's default.
    out
        Directory of the records.
    plan
        True times some calls and prints how long the run would take.
    as_json
        True prints JSON in place of tables.

    Raises
    ------
    AdatomError
        The input is bad, or records cannot be written.
    Exit
        Status 1, because a system failed.
    """
    chosen = [find_benchmark(name) for name in (BENCHMARKS if names == ["all"] else names)]
    wanted = None if elements is None else elements_of(elements)
    if plan:
        with _runner(profile) as runner, worker_processes(runner) as used:
            _show_plan(chosen, models, size, wanted, used, as_json)
        return
    with _runner(profile) as runner, progress("bench", get_settings().progress):
        records = run_benchmarks(
            chosen, models, size=size, elements=wanted, timeout=timeout, directory=out, runner=runner
        )
    _show(records, out, as_json)


@contextmanager
def _runner(profile: str | None) -> Iterator[Any]:
    if profile is None:
        yield None
        return
    with make_runner(profile=profile) as runner:
        yield runner


def _show_plan(
    chosen: Sequence[Benchmark], models: list[str], size: Size, elements: list[str] | None, runner: Any, as_json: bool
) -> None:
    rows = estimate(chosen, calculators_of(models), size, elements, runner)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("benchmark", "model", "systems", "calls", "time", "why not"),
        [
            (
                row["benchmark"],
                row["model"],
                str(row["systems"]),
                str(row["calls"]),
                "" if row["seconds"] is None else show_seconds(row["seconds"]),
                row["failure"],
            )
            for row in rows
        ],
        right=("systems", "calls", "time"),
    )
    total = sum(row["seconds"] or 0.0 for row in rows)
    workers = get_settings().local_workers
    print_text(f"{show_seconds(total)} on one worker, {show_seconds(total / workers)} on {workers}")


def _show(records: Sequence[Record], out: Path, as_json: bool) -> None:
    board = leaderboard(records)
    failed = {(record["model"], record["benchmark"]): _failures(record) for record in records}
    if as_json:
        print_json(board)
    else:
        rows = [
            (
                str(row["rank"]),
                row["model"],
                f"{row['score']:.3f}",
                *(f"{one['score']:.3f}" if one else "" for one in row["benchmarks"].values()),
            )
            for row in board["models"]
        ]
        print_table(
            ("rank", "model", "score", *board["benchmarks"]), rows, right=("rank", "score", *board["benchmarks"])
        )
    for (model, benchmark), reasons in failed.items():
        for reason, systems in reasons.items():
            say(f"{model}, {benchmark}: {len(systems)} of {', '.join(systems)[:60]}: {reason}", err=True)
    say(f"Records are in {out}. `adatom bench report {out}` makes a page of them.", err=True)
    if any(failed.values()):
        raise typer.Exit(1)


def _failures(record: Record) -> dict[str, list[str]]:
    """Return the systems that failed, by the reason."""
    found: dict[str, list[str]] = {}
    for name, system in record["systems"].items():
        if failure := system["failure"]:
            found.setdefault(f"{failure['kind']}: {failure['message']}", []).append(name)
    return found
