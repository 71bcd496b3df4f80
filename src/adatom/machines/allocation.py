"""Batch jobs whose program is an engine's workers: what their script says before the workers start."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adatom.errors import InputError
from adatom.machines.launch import launch_line, step_options
from adatom.machines.plan import check_limits, of_class
from adatom.machines.profiles import HPCProfile, RunnerProfile, load_profiles
from adatom.machines.schedulers.base import Scheduler, scheduler
from adatom.machines.script import BatchJob, setup
from adatom.settings import get_settings

__all__ = ["Allocation", "allocation", "lifetime", "log_directory", "stop_in_time"]


@dataclass(frozen=True)
class Allocation:
    """One batch job for workers.

    Attributes
    ----------
    scheduler
        The scheduler's name.
    header
        The directives, each with the scheduler's prefix.
    setup
        Lines of shell before the workers.
    workers
        How many jobs run in it at the same time.
    cores
        Of one node, for all of these.
    gpus
        Of one node.
    memory
        Of one node, in bytes; None: what the scheduler gives.
    walltime
        In s; None if nothing limits it.
    python
        The interpreter.
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
    """The batch job that a runner profile asks for.

    Parameters
    ----------
    profile
        The profile, or its name.

    Raises
    ------
    InputError
        There is no such profile or machine, or a queue does not give what is asked.
    """
    profiles = load_profiles()
    runner = profiles.runner(profile) if isinstance(profile, str) else profile
    machine = profiles.machine(runner.machine)
    if machine.host:  # engines submit by themselves, and workers have to reach this process
        raise InputError(
            f"The machine {machine.name!r} has host={machine.host!r}, and workers are submitted from the machine that "
            "the flow runs on. Run the flow there, with a profile without a host."
        )
    kind = scheduler(machine.scheduler)
    job = _job(runner, machine, kind)
    return Allocation(
        scheduler=kind.name,
        header=[f"{kind.prefix} {line}" for line in [*kind.directives(job), *job.directives]],
        setup=setup(job),
        workers=runner.jobs_per_node,
        cores=runner.whole.cores_per_node,
        gpus=runner.whole.gpus_per_node,
        memory=runner.whole.memory,
        walltime=runner.walltime,
        python=os.path.expanduser(runner.python or sys.executable),
    )


def _job(runner: RunnerProfile, machine: HPCProfile, kind: Scheduler) -> BatchJob:
    queue = of_class("queues", runner, machine)
    if queue and queue in machine.limits:
        check_limits(queue, runner.whole, machine)
    return _Workers(
        name="adatom-workers",
        work_dir=Path.cwd(),
        command=[],
        resources=runner.whole,
        queue=queue,
        account=of_class("accounts", runner, machine),
        modules=(*machine.modules, *runner.modules),
        pre_commands=(*machine.pre_commands, *runner.pre_commands),
        environment={**machine.environment, **runner.environment, **_mpi(runner), **stop_in_time(runner.walltime)},
        shell_environment={**machine.shell_environment, **runner.shell_environment},
        directives=machine.directives,
        options=machine.options,
        log=str(log_directory() / f"workers{kind.job_id and '-'}{kind.job_id}"),
    )


def _mpi(runner: RunnerProfile) -> dict[str, str]:
    """What tells a job how its MPI programs are started."""
    shares = runner.jobs_per_node > 1
    options = list(runner.launcher_options)
    if runner.launcher == "srun" and shares:  # else the first step takes all of the batch job
        options += step_options(runner.resources)
    variables = {"ADATOM_MPI": shlex.join(launch_line(runner.launcher, runner.resources, options, []))}
    if shares:  # each `mpirun` would bind its ranks to the same cores, the first of the node
        variables |= {"OMPI_MCA_hwloc_base_binding_policy": "none", "PRTE_MCA_hwloc_default_binding_policy": "none"}
    return variables


@dataclass(frozen=True)
class _Workers(BatchJob):
    """A batch job whose output goes to files of their own, although many jobs are of one script."""

    log: str = ""

    @property
    def stdout(self) -> str:
        return f"{self.log}.out"

    @property
    def stderr(self) -> str:
        return f"{self.log}.err"


def log_directory() -> Path:
    """Where what workers print goes: made here, for a scheduler does not."""
    directory = get_settings().results_dir.absolute() / "worker-logs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def lifetime(walltime: float) -> tuple[int, int]:
    """How long workers take jobs, so that they end before their batch job does.

    Parameters
    ----------
    walltime
        Of the batch job, in s.

    Returns
    -------
    tuple of int
        Seconds from the start of a worker to its end, and by how many they differ, so that not all end at once: a
        tenth of the walltime is left, half a minute at least and five at most.
    """
    margin = min(max(walltime / 10, 30.0), 300.0, walltime / 2)
    return int(walltime - margin), int(margin / 3)


def stop_in_time(walltime: float | None) -> dict[str, str]:
    """Variables by which jobs stop, with a checkpoint, before their worker ends.

    Parameters
    ----------
    walltime
        Of the batch job, in s; None: nothing limits it.
    """
    if walltime is None:
        return {}
    seconds, stagger = lifetime(walltime)
    return {"ADATOM_WALLTIME": str(max(seconds - 2 * stagger, 1))}
