"""How an MPI program is started inside a job."""

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
    """A program with what starts it on the ranks of the job that this code is part of.

    The ranks are those of the job's `resources`, else what the setting `mpi` says, as the runner of a profile does,
    else one.

    Parameters
    ----------
    *program
        The executable and its arguments.

    Returns
    -------
    list of str
        For `subprocess.run`; with `shlex.join`, for the ``command`` of an ASE profile such as ``EspressoProfile``.
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
