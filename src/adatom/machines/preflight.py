"""Checks of a machine that need no batch job."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from adatom.errors import SchedulerError
from adatom.machines.host import Host
from adatom.machines.profiles.machine import HPCProfile, QueueLimits
from adatom.machines.schedulers.base import Scheduler, scheduler

__all__ = ["Finding", "preflight"]

_PATIENCE = 60.0  # seconds for a module to load


class Finding(NamedTuple):
    """Finding of one check of a machine.

    Attributes
    ----------
    ok
        Whether the check passed. None: it cannot be told from here.
    what
        Thing that was checked, such as ``"command sbatch"``.
    why
        Explanation of a check that did not pass; empty if it did.
    """

    ok: bool | None
    what: str
    why: str = ""


def preflight(machine: HPCProfile) -> Iterator[Finding]:
    """Check what the profile of a machine names: its host, commands, queues, modules and executables.

    Parameters
    ----------
    machine
        Profile of the machine to check.

    Yields
    ------
    Finding
        One finding for each thing that the profile names.
    """
    kind = scheduler(machine.scheduler, machine.host)
    reached = list(_host(machine, kind))
    yield from reached
    if all(finding.ok for finding in reached):
        for check in (_commands, _modules, _executables):
            yield from check(machine, kind)


def _host(machine: HPCProfile, kind: Scheduler) -> Iterator[Finding]:
    if isinstance(kind.host, Host):
        try:
            kind.host.check()
        except SchedulerError as error:
            yield Finding(False, f"host {machine.host}", " ".join(str(error).split()))
        else:
            yield Finding(True, f"host {machine.host}")


def _commands(machine: HPCProfile, kind: Scheduler) -> Iterator[Finding]:
    missing = [command for command in kind.commands if not kind.host.find(command)]
    for command in kind.commands:
        yield Finding(command not in missing, f"command {command}", "not on PATH" if command in missing else "")
    if not missing:
        yield from _queues(machine, kind)


def _queues(machine: HPCProfile, kind: Scheduler) -> Iterator[Finding]:
    try:
        limits = kind.queues()
    except SchedulerError as error:
        yield Finding(False, "queues", str(error))
        return
    for queue in machine.all_queues:
        if limits is None:
            yield Finding(None, f"queue {queue}", f"{machine.scheduler} does not say which queues there are")
        elif queue not in limits:
            yield Finding(False, f"queue {queue}", f"there is none. Valid: {', '.join(sorted(limits)) or 'none'}")
        else:
            why = _over_walltime(limits[queue], machine.limits.get(queue))
            yield Finding(not why, f"queue {queue}", why)


def _over_walltime(most: float | None, profile: QueueLimits | None) -> str:
    if most is None or profile is None or profile.walltime is None or profile.walltime <= most:
        return ""
    return f"its walltime is at most {most:.0f} s"


def _modules(machine: HPCProfile, kind: Scheduler) -> Iterator[Finding]:
    for module in machine.modules:
        done = kind.host.run(["bash", "-lc", f"module load {shlex.quote(module)}"], timeout=_PATIENCE)
        why = " ".join((done.stderr or done.stdout).split())
        yield Finding(done.returncode == 0, f"module {module}", why if done.returncode else "")


def _executables(machine: HPCProfile, kind: Scheduler) -> Iterator[Finding]:
    # A program that is not found here may come with a module, or be on a disk that only the nodes have.
    if_missing = None if machine.modules or machine.pre_commands else False
    for key, words in machine.executables.items():
        program = words if isinstance(words, str) else words[0]
        if kind.host.find(program):
            yield Finding(True, f"executable {key}")
        else:
            yield Finding(if_missing, f"executable {key}", f"{program} is not found {kind.host}")
