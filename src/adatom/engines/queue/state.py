"""State of the tasks of the queue engine, for people."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

from adatom.engines.queue import worker
from adatom.engines.queue.batch import end_batch_jobs
from adatom.engines.queue.spool import Spool
from adatom.errors import SchedulerError

__all__ = ["Task", "cancel", "tasks"]

_PATIENCE = 20.0  # seconds for batch jobs to end, and for scripts to submit no more
_PAUSE = 1.0  # seconds between two looks for further tasks


class Task(NamedTuple):
    """Task of the queue engine.

    Attributes
    ----------
    name
        Name of the task: that of its job, a digest of the work, and a number.
    state
        ``"waiting"``, ``"running"``, ``"done"`` if nobody has received the answer, or ``"kept"`` for a flow that has
        not ended.
    queue
        Name of the directory that the task is in: that of the runner profile, and a digest.
    since
        Time of that state, in seconds since the epoch.
    batch_job
        Name of the batch job that does the task; empty: none does.
    """

    name: str
    state: str
    queue: str
    since: float
    batch_job: str = ""


def tasks(spool: Spool) -> list[Task]:
    """Return the tasks of a spool, the oldest first.

    Parameters
    ----------
    spool
        Directory of the tasks.
    """
    found = [(name, "running", spool.path / "taken" / slot / name, slot) for name, slot in spool.taken().items()]
    for folder in ("waiting", "done", "kept"):
        found += [(name, folder, spool.path / folder / name, "") for name in worker.names(spool.path / folder)]
    listed = []
    for name, state, path, slot in found:
        with suppress(FileNotFoundError):  # it went on meanwhile
            listed.append(Task(name, state, spool.path.name, path.stat().st_ctime, slot.rpartition(".")[0]))
    return sorted(listed, key=lambda task: task.since)


def cancel(spool: Spool) -> int:
    """Answer for all tasks of a spool that are not done, and end its batch jobs.

    Parameters
    ----------
    spool
        Directory of the tasks.

    Returns
    -------
    int
        Number of tasks that were cancelled.

    Raises
    ------
    SchedulerError
        The scheduler does not answer, or a batch job does not end.
    """
    cancelled: set[str] = set()
    deadline = time.monotonic() + _PATIENCE
    while True:  # a script that waits for the tasks may submit further tasks and batch jobs meanwhile
        unfinished = [*spool.waiting(), *spool.taken()]  # in this order, which a task takes
        for name in unfinished:
            spool.settle(name, worker.CANCELLED, "it was cancelled by `adatom queue cancel`")
        cancelled.update(unfinished)
        left = end_batch_jobs(spool, _PAUSE)
        if not left and not unfinished:
            return len(cancelled)
        if time.monotonic() > deadline:
            ids = ", ".join(record.id for record in left)
            what = f"batch jobs have not ended: {ids}" if ids else "a script goes on to put jobs there: end it"
            raise SchedulerError(f"{spool.path.name}: {len(cancelled)} jobs are cancelled, but {what}. Run this again.")
