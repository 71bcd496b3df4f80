"""The command line of an MPI program inside a job."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from adatom.execution.context import current_job
from adatom.machines.launch import LAUNCHERS, launch_line, step_options
from adatom.settings import get_settings

__all__ = ["mpi_command"]


def mpi_command(*program: str | Path) -> list[str]:
    """Return the command line that starts a program on the ranks of the job that this code is part of.

    The job's `resources` give the ranks. A job without them uses the launcher line in the setting `mpi`, which the
    runner of a profile sets; where that is empty, too, the program has one rank.

    Parameters
    ----------
    *program
        Executable and its arguments, one string each.

    Returns
    -------
    list of str
        Words for `subprocess.run` or, joined by `shlex.join`, for the ``command`` of an ASE profile such as
        ``EspressoProfile``.
    """
    words, needs, mpi = [str(word) for word in program], current_job().resources, shlex.split(get_settings().mpi)
    if needs is None:
        return [*mpi, *words]
    threads = ["env", f"OMP_NUM_THREADS={needs.threads_per_rank}"]
    if needs.ranks == 1:
        return [*threads, *words]
    starts = mpi[0] if mpi and Path(mpi[0]).name in LAUNCHERS else _launcher()
    launcher = Path(starts).name
    options = step_options(needs) if launcher == "srun" else []
    return [*threads, starts, *launch_line(launcher, needs, options, words)[1:]]


def _launcher() -> str:
    return "srun" if "SLURM_JOB_ID" in os.environ and shutil.which("srun") else "mpirun"
