"""Batch jobs that run the workers of an engine: their directives and set-up before the workers start."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adatom.errors import InputError
from adatom.machines.launch import launch_line, step_options
from adatom.machines.plan import account_of, queue_for
from adatom.machines.profiles.files import load_profiles
from adatom.machines.profiles.machine import HPCProfile
from adatom.machines.profiles.runner import RunnerProfile
from adatom.machines.schedulers.base import scheduler
from adatom.machines.script import BatchJob, setup
from adatom.settings import get_settings

__all__ = ["Allocation", "allocation", "job_of_workers", "lifetime", "log_directory", "stop_in_time"]


@dataclass(frozen=True)
class Allocation:
    """One batch job for the workers of an engine.

    Attributes
    ----------
    scheduler
        Name of the scheduler, as profiles write it.
    header
        Directives of the script, each with the scheduler's prefix.
    setup
        Lines of shell that run before the workers.
    workers
        Number of jobs that run in the batch job at the same time.
    cores
        Number of cores of one node that these jobs use together.
    gpus
        Number of GPUs of one node that these jobs use together.
    memory
        Memory of one node, in bytes. None: the default of the scheduler.
    walltime
        Run time of the batch job, in s. None: no limit.
    python
        Path of the interpreter that runs the workers.
    """

    scheduler: str
    header: Sequence[str]
    setup: Sequence[str]
    workers: int
    cores: int
    gpus: int = 0
    memory: int | None = None
    walltime: float | None = None
    python: str = sys.executable


def allocation(profile: str | RunnerProfile) -> Allocation:
    """Return the batch job that a runner profile asks for.

    Parameters
    ----------
    profile
        Runner profile, or the name of one that `load_profiles` finds.

    Raises
    ------
    InputError
        The profile or its machine does not exist, the machine has a host to log in to, or the profile asks for more
        than a queue gives, or for what only the queue engine does.
    """
    profiles = load_profiles()
    runner = profiles.runner(profile) if isinstance(profile, str) else profile
    machine = profiles.machine(runner.machine)
    if machine.host:  # the engine submits the batch jobs itself, and its workers have to reach this process
        raise InputError(
            f"The machine {machine.name!r} has host={machine.host!r}, and workers are submitted from the machine that "
            "the flow runs on. Run the flow there, with a profile without a host."
        )
    for name in ("retry", "input_files", "output_files", "post_commands", "poll_interval"):
        if getattr(runner, name) != RunnerProfile.model_fields[name].get_default(call_default_factory=True):
            raise InputError(
                f"The runner profile {runner.name!r} has {name}, which only the queue engine honours. Use that engine, "
                "or leave it out."
            )
    kind = scheduler(machine.scheduler)
    log = log_directory() / f"workers{kind.job_id and '-'}{kind.job_id}"
    job = _Workers(
        **job_of_workers(runner, machine), name="adatom-workers", work_dir=Path.cwd(), command=[], log=str(log)
    )
    return Allocation(
        scheduler=kind.name,
        header=kind.header(job),
        setup=setup(job),
        workers=runner.jobs_per_node,
        cores=runner.whole.cores_per_node,
        gpus=runner.whole.gpus_per_node,
        memory=runner.whole.memory,
        walltime=runner.walltime,
        python=os.path.expanduser(runner.python or sys.executable),
    )


def job_of_workers(runner: RunnerProfile, machine: HPCProfile) -> dict[str, Any]:
    """Return what a `BatchJob` that runs workers gets from its profiles: all but its name, directory and command.

    Parameters
    ----------
    runner
        Profile of the workers.
    machine
        Profile of the machine that the batch job runs on.

    Raises
    ------
    InputError
        The profile asks for more than a queue gives.
    """
    return {
        "resources": runner.whole,
        "queue": queue_for(runner, runner.whole, machine),
        "account": account_of(runner, machine),
        "modules": (*machine.modules, *runner.modules),
        "pre_commands": (*machine.pre_commands, *runner.pre_commands),
        "post_commands": runner.post_commands,
        "environment": {
            **machine.environment,
            **runner.environment,
            **_mpi(runner),
            **stop_in_time(runner.walltime),
        },
        "shell_environment": {**machine.shell_environment, **runner.shell_environment},
        "directives": (*machine.directives, *runner.directives),
        "options": machine.options,
    }


def _mpi(runner: RunnerProfile) -> dict[str, str]:
    """Return the variables that tell a job how to start its MPI programs."""
    shares = runner.jobs_per_node > 1
    options = list(runner.launcher_options)
    if runner.launcher == "srun" and shares:  # otherwise the first step takes the whole batch job
        options += step_options(runner.resources)
    variables = {"ADATOM_MPI": shlex.join(launch_line(runner.launcher, runner.resources, options, []))}
    if shares:  # each `mpirun` would bind its ranks to the same cores, the first of the node
        variables |= {"OMPI_MCA_hwloc_base_binding_policy": "none", "PRTE_MCA_hwloc_default_binding_policy": "none"}
    return variables


@dataclass(frozen=True)
class _Workers(BatchJob):
    """Batch job whose output files are named by its id, because many batch jobs share one script."""

    log: str = ""

    @property
    def stdout(self) -> str:
        return f"{self.log}.out"

    @property
    def stderr(self) -> str:
        return f"{self.log}.err"


def log_directory() -> Path:
    """Return the directory for the output of workers, and create it, which a scheduler does not."""
    directory = get_settings().results_dir.absolute() / "worker-logs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def lifetime(walltime: float) -> tuple[int, int]:
    """Return the time for which workers take jobs, so that they end before their batch job does.

    Parameters
    ----------
    walltime
        Run time of the batch job, in s.

    Returns
    -------
    tuple of int
        Time from the start of a worker to its end, and the spread of these times, which keeps workers from ending all
        at once, both in s. A tenth of the walltime is left, but at least 30 s, at most 300 s and never more than half.
    """
    margin = min(max(walltime / 10, 30.0), 300.0, walltime / 2)
    return int(walltime - margin), int(margin / 3)


def stop_in_time(walltime: float | None) -> dict[str, str]:
    """Return the variables that make jobs stop, with a checkpoint, before their worker ends.

    Parameters
    ----------
    walltime
        Run time of the batch job, in s. None: no limit, and no variables.
    """
    if walltime is None:
        return {}
    seconds, stagger = lifetime(walltime)
    return {"ADATOM_WALLTIME": str(max(seconds - 2 * stagger, 1))}
