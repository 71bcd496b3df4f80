"""What code can know of the place that it runs in."""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["engine_name", "in_job"]

engine_name: ContextVar[str] = ContextVar("adatom_engine_name", default="")
"""Who runs the job that this code is part of; empty outside of jobs."""


def in_job() -> bool:
    """Whether this code runs inside a job."""
    return bool(engine_name.get())
