"""Which process this is, and whether another one still runs."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Process", "batch_job", "this_process"]

_PROC = Path("/proc")
# What a job's environment calls its id: sbatch(1), qsub(1B), pjsub(1), bsub(1) and, last, qsub(1) of Grid Engine.
_JOB_IDS = ("SLURM_JOB_ID", "PBS_JOBID", "PJM_JOBID", "LSB_JOBID", "JOB_ID")


class Process(NamedTuple):
    """A process, on whichever machine.

    Attributes
    ----------
    host
        The name of the machine.
    pid
        Its id there.
    born
        When it was started, as its kernel says it: ids are used again.
    """

    host: str
    pid: int
    born: str

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, on this machine."""
        return self.host == socket.gethostname()

    @property
    def is_gone(self) -> bool:
        """Whether it has ended; of a process on another machine nobody knows."""
        return self.is_here and _born(self.pid) != self.born


def this_process() -> Process:
    """The process that asks."""
    return _this(os.getpid())


def batch_job() -> str | None:
    """The id of the batch job that this process is part of; None if it is part of none."""
    return next((os.environ[name] for name in _JOB_IDS if os.environ.get(name)), None)


@cache
def _this(pid: int) -> Process:
    return Process(socket.gethostname(), pid, _born(pid))


def _born(pid: int) -> str:
    try:
        if _PROC.exists():
            state, *rest = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            return "" if state in "ZX" else rest[18]  # a zombie has ended, and nobody has waited for it
        import psutil  # macOS has no /proc

        return str(psutil.Process(pid).create_time())
    except Exception:  # there is none
        return ""
