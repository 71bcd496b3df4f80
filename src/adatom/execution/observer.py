"""Who wants to know how far a flow is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["current_observer", "observed"]

Observer = Callable[[str, str, int], None]

_observer: ContextVar[Observer | None] = ContextVar("adatom_observer", default=None)


def current_observer() -> Observer | None:
    """Who is told what happens to the jobs that this code calls, if anybody."""
    return _observer.get()


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Have a function told of each job that is added, started, done, failed or skipped in the block.

    Parameters
    ----------
    observer
        Called with the job's name, the event and a count, in any thread.
    """
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)
