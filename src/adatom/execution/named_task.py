"""Names of tasks: the same for the same work, in whichever process it is asked for."""

from __future__ import annotations

from hashlib import blake2b

from adatom.cache.key import make_key
from adatom.execution.arguments import read_arguments
from adatom.execution.call import Batch, Call, read_function
from adatom.execution.moved import moved, moved_back
from adatom.execution.worker import pack
from adatom.utils.names import unique_name

__all__ = ["CHANGED", "UNCHANGED", "calls_of", "perform", "task_name"]

UNCHANGED, CHANGED = b"=", b"~"  # first byte of an answer: whether the worker found the code that the task is named by


def task_name(work: Call | Batch) -> str:
    """Return the name of a task, with a digest of the function with its code, the arguments, and the results directory.

    Parameters
    ----------
    work
        Call or batch of calls.
    """
    digest = blake2b(digest_size=12)
    for call in calls_of(work):
        digest.update(f"{call.journal}\0{_key(call)}\0".encode())
    return unique_name(work.name, identity=digest.hexdigest())


def calls_of(work: Call | Batch) -> list[Call]:
    """Return the calls of a task."""
    return [work] if isinstance(work, Call) else list(work.calls)


def _key(call: Call) -> str:
    try:
        args, kwargs = read_arguments(call.arguments)
        return make_key(read_function(call.function), args, kwargs).digest
    except Exception:  # nothing that can have a key: its bytes, which another process may write differently
        return blake2b(call.function + call.arguments).hexdigest()


def perform(work: Call | Batch, name: str, results: str = "") -> bytes:
    """Run a task, and say whether its code is still that of its name: it may have been changed while the task waited.

    Parameters
    ----------
    work
        Call or batch of calls.
    name
        Name that `task_name` returned where the task was made.
    results
        Directory of this machine for the files of the jobs, whose own directories are on another one; empty: this one
        has them.

    Returns
    -------
    bytes
        `UNCHANGED` or `CHANGED`, and what ``pack(work)`` returns.
    """
    same = task_name(work) == name
    answer = moved_back(work, pack(moved(work, results)), results) if results else pack(work)
    return (UNCHANGED if same else CHANGED) + answer
