"""The answer and the work of a task in words for people, from its files."""

from __future__ import annotations

from typing import Any, NamedTuple

from adatom.engines.queue.spool import Spool
from adatom.engines.queue.worker import ANSWER
from adatom.execution.failure import Failure
from adatom.execution.named_task import CHANGED, calls_of
from adatom.execution.worker import unpack

__all__ = ["Answer", "job_directory", "read_answer"]


class Answer(NamedTuple):
    """Answer to a task.

    Attributes
    ----------
    kind
        ``"value"``, ``"failure"``, or ``"unreadable"`` if this process cannot read it.
    cause
        Cause of the failure, or why it cannot be read, in one line; empty for a value.
    directory
        Directory of the job that failed; empty: not known.
    traceback
        Traceback of the worker; empty if there is none.
    """

    kind: str
    cause: str = ""
    directory: str = ""
    traceback: str = ""


def read_answer(spool: Spool, name: str) -> Answer | None:
    """Return what the answer to a task is, or None if there is none. The file stays.

    Parameters
    ----------
    spool
        Directory of the tasks.
    name
        Name of the task.

    Raises
    ------
    StorageError
        The answer is damaged, or somebody else wrote it.
    """
    said = spool.read(name)
    if said is None:
        return None
    kind, content = said
    if kind != ANSWER:
        return Answer("failure", " ".join(content.decode(errors="replace").split()))
    if content[:1] == CHANGED:
        return Answer("failure", "its code was changed while it waited")  # no script takes such an answer
    try:
        outcome = unpack(content[1:])
    except Exception as error:  # a module that is not here
        return Answer("unreadable", " ".join(f"{type(error).__name__}: {error}".split()))
    if isinstance(outcome, Failure):
        return Answer("failure", " ".join(outcome.in_short.split()), outcome.directory or "", outcome.traceback)
    failed, count = _failed_calls(outcome)
    return Answer("failure", f"{failed} of {count} calls failed") if failed else Answer("value")


def _failed_calls(outcome: Any) -> tuple[int, int]:
    """Return how many calls of a batch failed, and how many there are.

    The outcomes of the calls are not unpickled: this may be the value of a job, and the bytes in it of somebody else.
    """
    match outcome:
        case (list(parts), float()) if all(type(part) is bytes for part in parts):
            return sum(Failure.__module__.encode() in part for part in parts), len(parts)
    return 0, 0


def job_directory(spool: Spool, name: str) -> str:
    """Return the directory of the first job of a task that waits or runs; empty: it cannot be told here.

    Parameters
    ----------
    spool
        Directory of the tasks.
    name
        Name of the task.

    Raises
    ------
    StorageError
        The file of the task is damaged, or somebody else wrote it.
    """
    data = spool.read_task(name)
    if data is None:
        return ""
    try:
        work, _, results = unpack(data.partition(b"\n")[2]).args
        return str(results + calls_of(work)[0].directory)
    except Exception:  # of another version
        return ""
