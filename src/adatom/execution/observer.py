"""Observers: functions that are told of the progress of a flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["current_observer", "observed"]

Observer = Callable[[str, str, int], None]

_observer: ContextVar[Observer | None] = ContextVar("adatom_observer", default=None)


def current_observer() -> Observer | None:
    """Return the function that is told of the jobs that this code calls; None if there is none."""
    return _observer.get()


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Have a function told of each job that is added, started, cached, done, failed or skipped in the block.

    Parameters
    ----------
    observer
        Function of the job's name, the event and a number of jobs; any thread may call it.
    """
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)
