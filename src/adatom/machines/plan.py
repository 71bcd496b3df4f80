"""Plan of a batch job from profiles, with all checks before anything is submitted."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from adatom.errors import InputError, UnknownNameError
from adatom.machines.launch import launch_line
from adatom.machines.profiles.command import Command
from adatom.machines.profiles.execution import ExecutionProfile
from adatom.machines.profiles.machine import HPCProfile, QueueLimits
from adatom.machines.profiles.setup import Setup
from adatom.machines.resources import Resources
from adatom.machines.script import BatchJob
from adatom.utils.durations import clock

__all__ = ["OVERRIDES", "check_limits", "of_class", "plan"]

# Keys of an execution profile that one call may override. The other keys are the decision of the profile's author.
OVERRIDES = (
    "nodes",
    "ranks_per_node",
    "threads_per_rank",
    "walltime",
    "launcher",
    "launcher_options",
    "modules",
    "pre_commands",
    "environment",
)


def plan(
    name: str,
    command: Command,
    execution: ExecutionProfile,
    machine: HPCProfile,
    work_dir: Path,
    args: Sequence[str],
    overrides: Mapping[str, Any],
) -> BatchJob:
    """Return the batch job that runs a command on a machine.

    Parameters
    ----------
    name
        Name of the job, with which its files begin.
    command, execution, machine
        Profiles of the program, of its resources and of the machine.
    work_dir
        Directory that the job runs in.
    args
        Arguments of the program, after those of the command's profile.
    overrides
        New values for keys of the execution profile that are in `OVERRIDES`.

    Raises
    ------
    InputError
        The profiles do not belong together, the machine lacks the program, or the job asks for more than a queue gives.
    """
    for key in overrides:
        if key not in OVERRIDES:
            raise UnknownNameError("override of an execution profile", key, OVERRIDES)
    if execution.command != command.name:
        raise InputError(
            f"The execution profile {execution.name!r} is made for the command {execution.command!r}, "
            f"and is used with {command.name!r}."
        )
    how = ExecutionProfile(**{**{key: getattr(execution, key) for key in ExecutionProfile.model_fields}, **overrides})
    if command.executable not in machine.executables:
        raise UnknownNameError(f"executable of {machine.name}", command.executable, machine.executables)
    queue = of_class("queues", how, machine)
    if queue and queue in machine.limits:
        check_limits(queue, how.resources, machine)
    executable = machine.executables[command.executable]
    program = [executable] if isinstance(executable, str) else list(executable)
    program[0] = os.path.expanduser(program[0])
    given = [*command.arguments, *map(_argument, args)]
    return BatchJob(
        name=name,
        work_dir=work_dir,
        command=launch_line(how.launcher, how.resources, how.launcher_options, [*program, *given]),
        resources=how.resources,
        queue=queue,
        account=of_class("accounts", how, machine),
        modules=(*machine.modules, *how.modules),
        pre_commands=(*machine.pre_commands, *how.pre_commands),
        environment={**machine.environment, **how.environment},
        shell_environment={**machine.shell_environment, **how.shell_environment},
        directives=machine.directives,
        options=machine.options,
    )


def _argument(value: Any) -> str:
    if not isinstance(value, str | int | float | Path):
        raise InputError(f"The argument {value!r} is a {type(value).__name__}: give text, numbers and paths.")
    if "\0" in str(value):
        raise InputError(f"The argument {value!r} has a zero byte, which no program can be given.")
    return str(value)


def of_class(which: str, how: Setup, machine: HPCProfile) -> str | None:
    """Return the queue or the account of a resource class, or None if the machine names none for any class.

    Parameters
    ----------
    which
        Field of the machine to look in, ``"queues"`` or ``"accounts"``.
    how
        Profile that names the resource class.
    machine
        Machine that the queues and accounts belong to.

    Raises
    ------
    UnknownNameError
        The machine names queues or accounts, and none for this class.
    """
    known: Mapping[str, str] = getattr(machine, which)
    if known and how.resource_class not in known:
        raise UnknownNameError(f"resource class in the {which} of {machine.name}", how.resource_class, known)
    return known.get(how.resource_class)


def check_limits(queue: str, needs: Resources, machine: HPCProfile) -> None:
    """Refuse a job that asks for more than its queue gives.

    Parameters
    ----------
    queue
        Name of a queue in the `limits` of the machine.
    needs
        Resources that the job asks for.
    machine
        Profile with the limits of the queue.

    Raises
    ------
    InputError
        A resource is above the limit of the queue; the message names it.
    """
    most = machine.limits[queue]
    wanted = {field: getattr(needs, field) for field in QueueLimits.model_fields}
    for field, value in wanted.items():
        limit = getattr(most, field)
        if limit is not None and value is not None and value > limit:
            show = _SHOWN.get(field, str)
            raise InputError(
                f"{field} is {show(value)}, and the queue {queue!r} of {machine.name} has at most {show(limit)}."
            )


_SHOWN: dict[str, Callable[[Any], str]] = {"walltime": clock, "memory": lambda size: f"{size / 2**30:g}G"}
