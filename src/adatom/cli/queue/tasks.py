"""``adatom queue ls`` and ``cancel``: the jobs of the queue engine."""

from __future__ import annotations

from typing import Annotated

import typer

from adatom.cli.quantities import show_time
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_table
from adatom.engines.queue import state
from adatom.settings import get_settings

__all__ = ["cancel", "ls"]


def ls(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False) -> None:
    """List the jobs that wait, run, or were not gathered yet."""
    found = [task for spool in state.spools() for task in state.tasks(spool)]
    if as_json:
        print_json([task._asdict() for task in found])
    elif found:
        print_table(
            ("job", "state", "queue", "since", "batch job"),
            [(task.name, task.state, task.queue, show_time(task.since), task.batch_job) for task in found],
        )
    else:
        say(f"No jobs of the queue engine are in {get_settings().queue_dir}.", err=True)


def cancel() -> None:
    """End all batch jobs of the queue engine, and cancel the jobs that wait or run."""
    for spool in state.spools():
        say(f"{spool.path.name}: {state.cancel(spool)} jobs cancelled")
