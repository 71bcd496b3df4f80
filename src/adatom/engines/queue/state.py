"""State of the tasks of the queue engine, for people."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from adatom.engines.queue import worker
from adatom.engines.queue.batch import end_batch_jobs
from adatom.engines.queue.mark import marks
from adatom.engines.queue.spool import Spool
from adatom.errors import SchedulerError
from adatom.machines.here import HERE
from adatom.machines.host import Host
from adatom.utils.processes import Process

__all__ = ["Task", "cancel", "cancel_tasks", "host_name", "scripts", "tasks", "update"]

_PATIENCE = 20.0  # seconds for batch jobs to end, and for scripts to submit no more
_PAUSE = 1.0  # seconds between two looks for further tasks
_WHY = "it was cancelled by `adatom queue cancel`"


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
        Time of that state, in seconds since the epoch. None: only the host knows.
    batch_job
        Name of the batch job that does the task; empty: none does.
    host
        Name of the host with the workers; empty: they are on this machine.
    """

    name: str
    state: str
    queue: str
    since: float | None
    batch_job: str = ""
    host: str = ""


def tasks(spool: Spool) -> list[Task]:
    """Return the tasks of a spool, the oldest first; of one on a host as the last exchange left them.

    Parameters
    ----------
    spool
        Directory of the tasks.
    """
    found = [(name, "running", f"taken/{slot}", slot) for name, slot in spool.taken().items()]
    places = (("waiting", spool.waiting()), ("done", spool.answered()), ("kept", sorted(spool.kept())))
    found += [(name, folder, folder, "") for folder, names in places for name in names]
    listed: dict[str, Task] = {}
    for name, state, folder, slot in found:
        since = _since(spool.path / folder / name)
        if name not in listed and (since or spool.host is not HERE):  # else it went on meanwhile
            listed[name] = Task(name, state, spool.path.name, since, slot.rpartition(".")[0], host_name(spool))
    return sorted(listed.values(), key=lambda task: task.since or math.inf)


def _since(path: Path) -> float | None:
    try:
        return path.stat().st_ctime
    except FileNotFoundError:
        return None


def host_name(spool: Spool) -> str:
    """Return the name of the host with the workers of a spool; empty: this machine.

    Parameters
    ----------
    spool
        Directory of the tasks.
    """
    return spool.host.name if isinstance(spool.host, Host) else ""


def scripts(spool: Spool) -> list[Process]:
    """Return the processes on this machine that wait for tasks of a spool.

    Parameters
    ----------
    spool
        Directory of the tasks.
    """
    known = [process for _, process, _ in marks(spool.path / "drivers")]
    return [process for process in known if process.is_here and not process.is_gone]


def update(spool: Spool) -> None:
    """Make an exchange with the host of a spool, if tasks were ever sent there.

    Parameters
    ----------
    spool
        Directory of the tasks.

    Raises
    ------
    SchedulerError
        The host does not answer.
    """
    if spool.known_place is not None:
        spool.exchange()


def cancel_tasks(spool: Spool, names: Iterable[str]) -> list[str]:
    """Answer for tasks of a spool that are not done. Its batch jobs go on.

    Parameters
    ----------
    spool
        Directory of the tasks.
    names
        Names of the tasks.

    Returns
    -------
    list of str
        Names of the tasks that were cancelled: the others have been done meanwhile.

    Raises
    ------
    SchedulerError
        The host of the batch jobs does not answer.
    """
    unfinished = {*spool.waiting()} | {*spool.taken()}  # in this order, which a task takes
    cancelled = [name for name in names if name in unfinished]
    for name in cancelled:
        spool.settle(name, worker.CANCELLED, _WHY)
    update(spool)
    return cancelled


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
        The scheduler or the host does not answer, or a batch job does not end.
    """
    cancelled: set[str] = set()
    deadline = time.monotonic() + _PATIENCE
    while True:  # a script that waits for the tasks may submit further tasks and batch jobs meanwhile
        update(spool)
        unfinished = cancel_tasks(spool, [*spool.waiting(), *spool.taken()])
        cancelled.update(unfinished)
        left = end_batch_jobs(spool, _PAUSE)
        if not left and not unfinished:
            update(spool)  # the files of batch jobs
            return len(cancelled)
        if time.monotonic() > deadline:
            ids = ", ".join(record.id for record in left)
            what = f"batch jobs have not ended: {ids}" if ids else "a script goes on to put jobs there: end it"
            raise SchedulerError(f"{spool.path.name}: {len(cancelled)} jobs are cancelled, but {what}. Run this again.")
