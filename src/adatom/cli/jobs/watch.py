"""``adatom jobs watch``."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from adatom.cli.jobs.selection import Flow, Json, Label, all_jobs, count_states, select
from adatom.cli.say import say, visible
from adatom.journal.jobs import STATES, JobRecord

__all__ = ["watch"]

_EVERY = 1.0  # s


def watch(flow: Flow = None, label: Label = None, as_json: Json = False) -> None:
    """Count the jobs of the runs that are not finished, every second, until all have ended.

    Without a terminal, and with --json, a line is printed for each change.
    """
    try:
        _watch(_looks(flow, label), as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _watch(looks: Iterator[dict[str, list[JobRecord]]], as_json: bool) -> None:
    console = Console(highlight=False)
    if console.is_terminal and not as_json:
        with Live(console=console, auto_refresh=False) as live:
            for runs in looks:
                live.update(Text(visible("\n".join(_line(run, jobs) for run, jobs in runs.items()))), refresh=True)
        return
    last: dict[str, str] = {}
    for runs in looks:
        for run, jobs in runs.items():
            line = json.dumps(_plain(run, jobs), ensure_ascii=False) if as_json else _line(run, jobs)
            if last.get(run) != line:
                last[run] = line
                say(line)


def _looks(flow: str | None, label: str | None) -> Iterator[dict[str, list[JobRecord]]]:
    """Read the journal every second, and yield the jobs of the runs that were not finished at one of the readings."""
    watched: dict[str, list[JobRecord]] = {}
    quiet = 0
    # The journal does not say that a flow has ended, and between two jobs of its body no job may run.
    while quiet < 2:
        runs = _by_run(select(all_jobs(), flow=flow, label=label))
        active = {run for run, jobs in runs.items() if any(map(_is_active, jobs))}
        quiet = 0 if active else quiet + 1
        watched = {run: jobs for run, jobs in runs.items() if run in active or run in watched}
        if watched:
            yield watched
        elif not active:
            say("No job runs or waits.", err=True)
            return
        if quiet < 2:
            time.sleep(_EVERY)


def _by_run(jobs: Iterable[JobRecord]) -> dict[str, list[JobRecord]]:
    runs: dict[str, list[JobRecord]] = {}
    for job in jobs:
        runs.setdefault(job.run or job.id, []).append(job)
    return runs


def _is_active(job: JobRecord) -> bool:
    return job.end is None and job.state != "lost"


def _line(run: str, jobs: list[JobRecord]) -> str:
    first = jobs[0]
    return f"{first.label or first.flow or first.name} ({run}): {count_states(jobs)}"


def _plain(run: str, jobs: list[JobRecord]) -> dict[str, Any]:
    counts = Counter(job.state for job in jobs)
    return {
        "run": run,
        "flow": jobs[0].flow,
        "label": jobs[0].label,
        **{state: counts[state] for state in STATES},
    }
