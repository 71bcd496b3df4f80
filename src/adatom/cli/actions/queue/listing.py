"""Body of ``adatom queue ls``."""

from __future__ import annotations

from collections.abc import Sequence

from adatom.cli.actions.queue.selection import NONE
from adatom.cli.quantities import show_time
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_table, print_text
from adatom.engines.queue import state
from adatom.engines.queue.batch_states import BatchJobState, batch_job_states
from adatom.engines.queue.spools import spools
from adatom.engines.queue.state import Task
from adatom.settings import get_settings

__all__ = ["list_tasks", "print_tasks"]


def list_tasks(as_json: bool) -> None:
    """Print the tasks and the batch jobs of all spools.

    Parameters
    ----------
    as_json
        True prints JSON in place of tables.
    """
    tasks: list[Task] = []
    batch_jobs: list[BatchJobState] = []
    for spool in spools():
        tasks += state.tasks(spool)
        batch_jobs += batch_job_states(spool)
    if as_json:
        print_json(
            {
                "jobs": [task._asdict() for task in tasks],
                "batch_jobs": [batch_job._asdict() for batch_job in batch_jobs],
            }
        )
        return
    if tasks:
        print_tasks(tasks, {batch_job.name: batch_job.id for batch_job in batch_jobs})
    else:
        say(NONE.format(get_settings().queue_dir), err=True)
    if batch_jobs:
        print_text("")
        print_table(
            ("batch job", "state", "queue", "host", "submitted", "name", "cause"),
            [
                (one.id, one.state, one.queue, one.host, show_time(one.submitted), one.name, one.cause)
                for one in batch_jobs
            ],
        )


def print_tasks(tasks: Sequence[Task], ids: dict[str, str]) -> None:
    """Print tasks as a table.

    Parameters
    ----------
    tasks
        Tasks to print.
    ids
        Ids of batch jobs by their names.
    """
    print_table(
        ("job", "state", "queue", "host", "since", "batch job"),
        [
            (
                task.name,
                task.state,
                task.queue,
                task.host,
                "" if task.since is None else show_time(task.since),
                ids.get(task.batch_job, task.batch_job),
            )
            for task in tasks
        ],
    )
