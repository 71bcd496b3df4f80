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

__all__ = ["OVERRIDES", "account_of", "plan", "queue_for"]

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
    "post_commands",
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
    queue = queue_for(how, how.resources, machine)
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
        account=account_of(how, machine),
        modules=(*machine.modules, *how.modules),
        pre_commands=(*machine.pre_commands, *how.pre_commands),
        post_commands=how.post_commands,
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


def account_of(how: Setup, machine: HPCProfile) -> str | None:
    """Return the account of a resource class, or None if the machine names none for any class.

    Parameters
    ----------
    how
        Profile that names the resource class.
    machine
        Machine that the accounts belong to.

    Raises
    ------
    UnknownNameError
        The machine names accounts, and none for this class.
    """
    _check_class("accounts", how, machine)
    return machine.accounts.get(how.resource_class)


def queue_for(how: Setup, needs: Resources, machine: HPCProfile) -> str | None:
    """Return the first queue of a resource class whose limits a job keeps, or None if the machine names no queues.

    Parameters
    ----------
    how
        Profile that names the resource class.
    needs
        Resources that the job asks for.
    machine
        Machine that the queues belong to.

    Raises
    ------
    UnknownNameError
        The machine names queues, and none for this class.
    InputError
        No queue gives what the job asks for; the message names the resource.
    """
    _check_class("queues", how, machine)
    queues = machine.queues_of(how.resource_class)
    refused = []
    for queue in queues:
        if not (why := _above_limit(queue, needs, machine)):
            return queue
        refused.append(why)
    if refused:
        raise InputError(f"{', and '.join(refused)}.")
    return None


def _check_class(which: str, how: Setup, machine: HPCProfile) -> None:
    known: Mapping[str, Any] = getattr(machine, which)
    if known and how.resource_class not in known:
        raise UnknownNameError(f"resource class in the {which} of {machine.name}", how.resource_class, known)


def _above_limit(queue: str, needs: Resources, machine: HPCProfile) -> str:
    """Return why a queue does not give what a job asks for; empty: it does."""
    if queue not in machine.limits:
        return ""
    most = machine.limits[queue]
    wanted = {field: getattr(needs, field) for field in QueueLimits.model_fields}
    for field, value in wanted.items():
        limit = getattr(most, field)
        if limit is not None and value is not None and value > limit:
            show = _SHOWN.get(field, str)
            return f"{field} is {show(value)}, and the queue {queue!r} of {machine.name} has at most {show(limit)}"
    return ""


_SHOWN: dict[str, Callable[[Any], str]] = {"walltime": clock, "memory": lambda size: f"{size / 2**30:g}G"}
