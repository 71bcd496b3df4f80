"""When this process has to stop, and whether it was asked to.

What ends a process in time is the setting `walltime`, which counts from its start, or the end of the batch job that it
is part of (`adatom.settings.scheduler_end`), whichever comes first; or a request, which a signal's handler makes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from adatom.settings import get_settings, scheduler_end

__all__ = ["bounded", "is_limited", "request_stop", "stop_reason", "stop_requested", "time_allotted", "time_left"]

_IMPORTED = time.time()

# Of the whole process: a signal is sent to it, not to one of its threads.
_requested: str | None = None
_bound: ContextVar[float | None] = ContextVar("adatom_deadline", default=None)


def is_limited() -> bool:
    """Whether anything limits this process: most have all the time, and each of their jobs asks."""
    return not (
        _requested is None and get_settings().walltime is None and _bound.get() is None and scheduler_end() is None
    )


def time_left() -> float | None:
    """Seconds until this process must have stopped; None where nothing limits it.

    Below 0 it should have stopped already.
    """
    end = _end()
    return end and end[0] - time.time()


def time_allotted() -> float | None:
    """Seconds from the start of this process to the time when it must have stopped; None where nothing limits it."""
    end = _end()
    return end and end[0] - _start(os.getpid())


@contextmanager
def bounded(end: float | None) -> Iterator[None]:
    """Another end that holds for the code in the block, too: that of the process that waits for it.

    Parameters
    ----------
    end
        Seconds since the epoch.
    """
    token = _bound.set(end)
    try:
        yield
    finally:
        _bound.reset(token)


def stop_requested() -> bool:
    """Whether this process was asked to stop."""
    return _requested is not None


def request_stop(why: str) -> None:
    """Ask all iterative calculations of this process to stop after the step that they are at.

    Parameters
    ----------
    why
        A sentence without a full stop, for the error that they then raise.
    """
    global _requested
    _requested = why


def stop_reason(margin: float = 0.0) -> str | None:
    """Why a calculation has to stop now; None as long as it need not.

    Parameters
    ----------
    margin
        Seconds that its next step needs, and what comes after it.

    Returns
    -------
    str or None
        A sentence without a full stop.
    """
    if _requested is not None:
        return _requested
    end = _end()
    if end is None or (left := end[0] - time.time()) > margin:
        return None
    return f"{end[1]} leaves {max(left, 0):.0f} s, and what comes next may take {margin:.0f} s"


def _end() -> tuple[float, str] | None:
    """The end, in seconds since the epoch, and what says so."""
    walltime, scheduler, bound = get_settings().walltime, scheduler_end(), _bound.get()
    ends = []
    if walltime is not None:
        ends.append((_start(os.getpid()) + walltime, "ADATOM_WALLTIME"))
    if scheduler is not None:
        ends.append((scheduler, "The end of the batch job"))
    if bound is not None:
        ends.append((bound, "The end of the flow's process"))
    return min(ends, default=None)


@cache
def _start(process: int) -> float:
    """When this process, of that id (a fork has another), started: what the system says, else the import of adatom."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])  # since boot; proc(5), field 22
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # not Linux
        return _IMPORTED
    return time.time() - age if age >= 0 else _IMPORTED
