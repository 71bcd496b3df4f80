"""What code can know of the place that it runs in."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adatom.machines.resources import Resources

__all__ = ["engine_name", "in_job", "job_resources"]

engine_name: ContextVar[str] = ContextVar("adatom_engine_name", default="")
"""Who runs the job that this code is part of; empty outside of jobs."""


job_resources: ContextVar[Resources | None] = ContextVar("adatom_job_resources", default=None)
"""What the job asks for that this code is part of; None if nothing."""


def in_job() -> bool:
    """Whether this code runs inside a job."""
    return bool(engine_name.get())
