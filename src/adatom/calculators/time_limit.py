"""The time after which a program has to stop by itself."""

from __future__ import annotations

import time

from adatom.errors import IncompleteError
from adatom.execution.deadline import stop_reason, stop_requested, time_left

__all__ = ["time_limit"]

# Time that a program needs to stop. Programs look at the clock between k points, and then write their files: both take
# longer for larger systems. Their clock leaves out the start and the end of MPI.
_LEAST, _SHARE, _MOST = 5.0, 0.05, 600.0  # s; part of the time that is left; s
_START = 1.0  # s; with less a start makes no sense


def time_limit(program: str) -> float | None:
    """Return the time in s after which a program stops, so that it ends before this process has to; None: no limit.

    Parameters
    ----------
    program
        Name of the program, such as ``"pw.x"``.

    Raises
    ------
    IncompleteError
        Too little time is left to start the program.
    """
    left = time_left()
    if left is None:
        return None
    spare = min(_MOST, max(_LEAST, _SHARE * left))
    if why := stop_reason(spare + _START):
        if not stop_requested():
            # An engine gives the job to the next free worker, which would be this one until its last second.
            time.sleep(max(0.0, left - _START))
        raise IncompleteError(f"{program} was not started: {why}. Run the same job again where there is more time.")
    return round(left - spare, 1)
