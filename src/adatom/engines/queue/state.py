"""State of the tasks of the queue engine, for people."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from adatom.engines.queue import worker
from adatom.engines.queue.spool import Spool
from adatom.errors import SchedulerError
from adatom.machines.record import Record, read_records
from adatom.settings import get_settings

__all__ = ["Task", "cancel", "spools", "tasks"]

_PATIENCE = 8.0  # seconds for batch jobs to end


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


def spools() -> Iterator[Spool]:
    """Yield the directories of tasks that there are."""
    folder = get_settings().queue_dir
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (path / "key").is_file():
            yield Spool(path)


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
    """End the batch jobs of a spool, and answer for all tasks that they have not done.

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
        The scheduler does not answer.
    """
    records = list(read_records(spool.path))
    for record in records:
        record.scheduler.cancel([record.job])
    _wait(records)
    answer = worker.sign(worker.CANCELLED + b"it was cancelled by `adatom queue cancel`", spool.key)
    unfinished = {name: spool.path / "taken" / slot / name for name, slot in spool.taken().items()}
    unfinished |= {name: spool.path / "waiting" / name for name in spool.waiting()}
    for name, path in unfinished.items():
        worker.put(spool.path / "done" / name, answer)
        path.unlink(missing_ok=True)
    for record in records:
        spool.clean(record.name)
        record.forget()
    return len(unfinished)


def _wait(records: list[Record]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while records and time.monotonic() < deadline:
        with suppress(SchedulerError):
            records = [record for record in records if not _has_ended(record)]
        time.sleep(0.1)


def _has_ended(record: Record) -> bool:
    outcome = record.scheduler.poll([record.job]).get(record.id)
    return outcome is None or outcome.state.ended
