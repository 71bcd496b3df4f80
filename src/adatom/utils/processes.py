"""Identity of a process on any machine, and of the batch job that it is part of."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Process", "batch_job", "this_process"]

_PROC = Path("/proc")
# Variables that hold the id of a batch job: sbatch(1), qsub(1B), pjsub(1), bsub(1) and, last, qsub(1) of Grid Engine.
_JOB_IDS = ("SLURM_JOB_ID", "PBS_JOBID", "PJM_JOBID", "LSB_JOBID", "JOB_ID")


class Process(NamedTuple):
    """Identity of a process on any machine.

    Attributes
    ----------
    host
        Name of the machine that the process runs on.
    pid
        Process id on that machine.
    born
        Time of the start as the kernel tells it, because process ids are used again. Empty: the process has ended.
    """

    host: str
    pid: int
    born: str

    @property
    def is_here(self) -> bool:
        """Return whether the process runs, or ran, on this machine."""
        return self.host == socket.gethostname()

    @property
    def is_gone(self) -> bool:
        """Return whether the process has ended; False for one on another machine, since nothing tells its end here."""
        return self.is_here and _born(self.pid) != self.born


def this_process() -> Process:
    """Return the identity of the current process."""
    return _this(os.getpid())


def batch_job() -> str | None:
    """Return the id of the batch job that this process is part of, or None if there is no such job."""
    for name in _JOB_IDS:
        if found := os.environ.get(name):
            return found
    return None


@cache
def _this(pid: int) -> Process:
    return Process(socket.gethostname(), pid, _born(pid))


def _born(pid: int) -> str:
    try:
        if _PROC.exists():
            state, *rest = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            return "" if state in "ZX" else rest[18]  # a zombie has ended
        import psutil  # macOS has no /proc

        return str(psutil.Process(pid).create_time())
    except Exception:  # no such process
        return ""
