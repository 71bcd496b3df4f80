"""Bodies of ``adatom queue``."""

from __future__ import annotations

from adatom.cli.quantities import show_time
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_table
from adatom.engines.queue import state
from adatom.engines.queue.spools import spools
from adatom.settings import get_settings

__all__ = ["cancel_tasks", "list_tasks"]


def list_tasks(as_json: bool) -> None:
    """Print the tasks of all spools."""
    found = [task for spool in spools() for task in state.tasks(spool)]
    if as_json:
        print_json([task._asdict() for task in found])
    elif found:
        print_table(
            ("job", "state", "queue", "since", "batch job"),
            [(task.name, task.state, task.queue, show_time(task.since), task.batch_job) for task in found],
        )
    else:
        say(f"No jobs of the queue engine are in {get_settings().queue_dir}.", err=True)


def cancel_tasks() -> None:
    """Cancel the tasks of all spools, and print their number."""
    for spool in spools():
        say(f"{spool.path.name}: {state.cancel(spool)} jobs cancelled")
