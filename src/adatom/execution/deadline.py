"""The time at which this process has to stop, and requests to stop before it.

A process ends in time by the setting `walltime`, which counts from its start, or by the end of the batch job that it
is part of (`adatom.settings.scheduler_end`), whichever comes first; or by a request, which a signal's handler makes.
"""

from __future__ import annotations

import os
import time
from functools import cache

from adatom.execution.context import current_job
from adatom.settings import get_settings, scheduler_end

__all__ = ["LEAST", "is_limited", "lift", "request_stop", "stop_reason", "stop_requested", "time_allotted", "time_left"]

LEAST = 2.0  # seconds without which starting a job makes no sense

_IMPORTED = time.time()

# Of the whole process: a signal is sent to it, not to one of its threads.
_requested: str | None = None
_lifted = False


def is_limited() -> bool:
    """Return whether a time limit applies. Called once per job, so it must be cheap."""
    return _requested is not None or _has_limit()


def _has_limit() -> bool:
    if _lifted:
        return False
    return not (get_settings().walltime is None and current_job().deadline is None and scheduler_end() is None)


def time_left() -> float | None:
    """Return the seconds until this process must have stopped, negative afterwards; None without a limit."""
    end = _end()
    return end and end[0] - time.time()


def time_allotted() -> float | None:
    """Return the seconds from the start of this process to its end by a limit; None without a limit."""
    end = _end()
    return end and end[0] - _start(os.getpid())


def stop_requested() -> bool:
    """Return whether this process was asked to stop."""
    return _requested is not None


def request_stop(why: str) -> None:
    """Ask all iterative calculations of this process to stop after their current step.

    Parameters
    ----------
    why
        Sentence without a full stop, for the error that the calculations raise.
    """
    global _requested
    _requested = why


def lift() -> None:
    """Let no time limit apply to this process, which its batch job ends."""
    global _lifted
    _lifted = True


def stop_reason(margin: float = 0.0) -> str | None:
    """Return why a calculation has to stop now; None as long as it may go on.

    Parameters
    ----------
    margin
        Seconds that the next step needs, with all that follows it.

    Returns
    -------
    str or None
        Sentence without a full stop.
    """
    if _requested is not None:
        return _requested
    if not _has_limit():  # asked at each step of a calculation
        return None
    end = _end()
    if end is None or (left := end[0] - time.time()) > margin:
        return None
    return f"{end[1]} leaves {max(left, 0):.0f} s, and what comes next may take {margin:.0f} s"


def _end() -> tuple[float, str] | None:
    """Return the earliest end, in seconds since the epoch, and what sets it."""
    if _lifted:
        return None
    walltime, scheduler, bound = get_settings().walltime, scheduler_end(), current_job().deadline
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
    """Return the start of this process (a fork has another id) by the system's record, else the import of adatom."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])  # since boot; proc(5), field 22
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # not Linux
        return _IMPORTED
    return time.time() - age if age >= 0 else _IMPORTED
