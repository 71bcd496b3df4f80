"""The job that code runs in: one context variable, set around each job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatom.execution.capture import JobLog
    from adatom.execution.directories import RunDirectory
    from adatom.execution.meeting import Meeting
    from adatom.machines.resources import Resources

__all__ = ["JobContext", "batch_value", "current_job", "current_meeting", "in_job", "job_context"]


@dataclass(frozen=True, slots=True)
class JobContext:
    """All that code can know of the job that it is part of.

    Attributes
    ----------
    engine
        Name of the engine that runs the job; empty outside of jobs.
    resources
        Resources that the job asks for; None if it asks for nothing.
    deadline
        Time, in seconds since the epoch, at which the process that waits for the job must have stopped; None if nothing
        limits it.
    directory
        Run directory of the job, or of the calculation inside the job; None where there is none.
    log
        File for everything that the job prints, logs and warns of; None where nothing is kept.
    batch_value
        Value that the job's option `batch_function` computed for this call together with others; None if it did not.
    meeting
        Place where the call meets those that run side by side with it, by the job's option `lockstep`; None: none do.
    """

    engine: str = ""
    resources: Resources | None = None
    deadline: float | None = None
    directory: RunDirectory | None = None
    log: JobLog | None = None
    batch_value: Any = None
    meeting: Meeting | None = None


_OUTSIDE = JobContext()
_context: ContextVar[JobContext] = ContextVar("adatom_job", default=_OUTSIDE)  # it is frozen


current_job = _context.get
"""Return the context of the job that this code is part of; an empty one outside of jobs."""


def in_job() -> bool:
    """Return whether this code runs inside a job."""
    return bool(_context.get().engine)


def batch_value() -> Any:
    """Return the value that the option `batch_function` computed for this call of a job; None if it computed none."""
    return _context.get().batch_value


def current_meeting() -> Meeting | None:
    """Return the place where this call meets those that run in lockstep with it; None if none do."""
    return _context.get().meeting


@contextmanager
def job_context(**changes: Any) -> Iterator[None]:
    """Change the context of the job for the code in the block.

    Parameters
    ----------
    **changes
        New values of attributes of `JobContext`, by name.
    """
    token = _context.set(replace(_context.get(), **changes))
    try:
        yield
    finally:
        _context.reset(token)
