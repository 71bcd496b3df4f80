"""Checks of a machine that need no batch job."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from adatom.errors import SchedulerError
from adatom.machines.host import Host
from adatom.machines.profiles import HPCProfile
from adatom.machines.schedulers.base import scheduler

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
    if isinstance(kind.host, Host):
        try:
            kind.host.check()
        except SchedulerError as error:
            yield Finding(False, f"host {machine.host}", " ".join(str(error).split()))
            return
        yield Finding(True, f"host {machine.host}")
    missing = [command for command in kind.commands if not kind.host.find(command)]
    for command in kind.commands:
        yield Finding(command not in missing, f"command {command}", "not on PATH" if command in missing else "")
    if not missing:
        yield from _queues(machine)
    for module in machine.modules:
        done = kind.host.run(["bash", "-lc", f"module load {shlex.quote(module)}"], timeout=_PATIENCE)
        why = " ".join((done.stderr or done.stdout).split())
        yield Finding(done.returncode == 0, f"module {module}", why if done.returncode else "")
    for key, words in machine.executables.items():
        program = words if isinstance(words, str) else words[0]
        found = kind.host.find(program)
        # A program that is not found here may come with a module, or be on a disk that only the nodes have.
        unknown = None if machine.modules or machine.pre_commands else False
        why = "" if found else f"{program} is not found {kind.host}"
        yield Finding(True if found else unknown, f"executable {key}", why)


def _queues(machine: HPCProfile) -> Iterator[Finding]:
    try:
        limits = scheduler(machine.scheduler, machine.host).queues()
    except SchedulerError as error:
        yield Finding(False, "queues", str(error))
        return
    for queue in dict.fromkeys(machine.queues.values()):
        if limits is None:
            yield Finding(None, f"queue {queue}", f"{machine.scheduler} does not say which queues there are")
        elif queue not in limits:
            yield Finding(False, f"queue {queue}", f"there is none. Valid: {', '.join(sorted(limits)) or 'none'}")
        else:
            most, says = limits[queue], machine.limits[queue].walltime if queue in machine.limits else None
            over = most is not None and says is not None and says > most
            yield Finding(not over, f"queue {queue}", f"its walltime is at most {most:.0f} s" if over else "")
