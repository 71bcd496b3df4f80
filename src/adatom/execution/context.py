"""What code can know of the place that it runs in."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatom.machines.resources import Resources

__all__ = ["ahead", "done_ahead", "engine_name", "in_job", "job_resources"]

engine_name: ContextVar[str] = ContextVar("adatom_engine_name", default="")
"""Who runs the job that this code is part of; empty outside of jobs."""


job_resources: ContextVar[Resources | None] = ContextVar("adatom_job_resources", default=None)
"""What the job asks for that this code is part of; None if nothing."""


ahead: ContextVar[tuple[str, Any]] = ContextVar("adatom_ahead", default=("", None))
"""For `done_ahead`, behind the job that it was done for."""


def in_job() -> bool:
    """Whether this code runs inside a job."""
    return bool(engine_name.get())


def done_ahead() -> Any:
    """What the job's option `ahead` gave for the call that this code is part of; None if nothing."""
    return ahead.get()[1]
