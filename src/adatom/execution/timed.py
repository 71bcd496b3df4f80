"""Calls that are killed after their time, in processes that nothing else uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.errors import JobTimeoutError, WorkerDiedError
from adatom.execution.call import Call
from adatom.execution.deadline import stop_requested
from adatom.execution.directories import mark_interrupted

if TYPE_CHECKING:
    from adatom.execution.process import Child

__all__ = ["end_idle", "execute_in_child"]

# Starting an interpreter and loading a model take seconds, so a process is kept for the next call. It ends with this
# one, or with the flow.
_idle: list[tuple[Any, Child]] = []
os.register_at_fork(after_in_child=_idle.clear)


def execute_in_child(call: Call, upstream: Sequence[Any], timeout: float) -> Any:
    """Run a call in another process, so that it can be killed wherever the engine runs jobs.

    Parameters
    ----------
    call
        Call with one attempt and no timeout.
    upstream
        Results for the slots of the call.
    timeout
        Seconds after which the process is killed. The start of the interpreter does not count.

    Returns
    -------
    Any
        Value of the job, or a `Failure`.
    """
    from adatom.execution.process import Child
    from adatom.execution.worker import pack, unpack

    child, done = _take_idle(call) or Child(), False
    try:
        child.wait_until_up(call.function, call.arguments)
        child.send(lambda: pack(call, upstream))  # not `execute`: a result that cannot be pickled is a failure too
        answer = unpack(unpack(child.receive(timeout)))
        done = True
        return answer
    except (JobTimeoutError, WorkerDiedError) as error:
        child.kill()
        marked = mark_interrupted(Path(call.directory_of(call.attempt)), str(error), make=True)
        return call.failure(error, marked)
    finally:
        if done and not stop_requested():
            _idle.append((_surroundings(), child))
        else:
            child.kill()


def end_idle() -> None:
    """End the processes that are kept for the next call."""
    while _idle:
        with suppress(IndexError):  # another thread has taken it
            _idle.pop()[1].kill()


def _take_idle(call: Call) -> Child | None:
    """Return a process that is idle, lives, and would start in the same way now."""
    while _idle:
        with suppress(IndexError, WorkerDiedError):
            surroundings, child = _idle.pop()
            if surroundings == _surroundings():
                child.wait_until_up(call.function, call.arguments)
                return child
            child.kill()
    return None


def _surroundings() -> Any:
    """Return what a process takes over from this one when it starts."""
    return list(sys.path), dict(os.environ), os.getcwd()
