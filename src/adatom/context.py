"""What code can know of the place that it runs in."""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["engine_name"]

engine_name: ContextVar[str] = ContextVar("adatom_engine_name", default="")
"""Who runs the job that this code is part of; empty outside of jobs."""
