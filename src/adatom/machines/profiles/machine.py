"""Profile of a machine: its scheduler, queues and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, SerializeAsAny, model_validator

from adatom.errors import InputError, UnknownNameError
from adatom.machines.host import checked_place
from adatom.machines.model import Line, Model, Name, Word, Words
from adatom.machines.profiles.setup import ResourceClass
from adatom.machines.resources import Memory, Walltime
from adatom.machines.schedulers.base import scheduler
from adatom.machines.ssh import checked_host

__all__ = ["HPCProfile", "QueueLimits"]


class QueueLimits(Model):
    """Largest resources that a queue gives to a job. None: the limit is not known, and not checked.

    Attributes
    ----------
    walltime
        Longest run time, in s or as text as in `Resources`.
    nodes
        Largest number of nodes of one job.
    cores_per_node, gpus_per_node, memory
        Cores, GPUs and memory of one node; memory in bytes or as text as in `Resources`.
    """

    walltime: Walltime | None = None
    nodes: int | None = None
    cores_per_node: int | None = None
    gpus_per_node: int | None = None
    memory: Memory | None = None


class HPCProfile(Model):
    """Profile of a machine: its scheduler, queues and programs.

    Attributes
    ----------
    name
        Name that other profiles and callers use for the machine.
    scheduler
        Name of its batch scheduler. A section of that name holds options that only this scheduler knows.
    host
        Host to log in to for the scheduler, as ``ssh`` takes it. None: this machine.
    remote_dir
        Directory on the host, absolute or below its home with ``~/``, in which each job gets a directory.
    shared_files
        Whether the host has the same working directory, so that nothing is copied.
    queues, accounts
        Queue and account of each resource class. Of a list of queues, a job gets the first one whose limits it keeps.
    limits
        Largest resources of each queue, by its name.
    executables
        Path or name of each program by its key, or a list of words such as ``["/opt/bin/env.sh", "pw.x"]``.
    modules, pre_commands, environment, shell_environment
        Same as in `machines.script.BatchJob`, for every job of this machine.
    directives
        Further directives of every job, without the scheduler's prefix.
    options
        Options that only this scheduler knows, from the section of its name.
    """

    name: Name
    scheduler: str
    host: Word | None = None
    remote_dir: Line = "~/adatom-jobs"
    shared_files: bool = False
    queues: Mapping[ResourceClass, Words] = Field(default_factory=dict)
    accounts: Mapping[ResourceClass, Word] = Field(default_factory=dict)
    limits: Mapping[str, QueueLimits] = Field(default_factory=dict)
    executables: Mapping[str, Line | tuple[str, ...]] = Field(default_factory=dict)
    modules: tuple[Line, ...] = ()
    pre_commands: tuple[Line, ...] = ()
    environment: Mapping[str, str] = Field(default_factory=dict)
    shell_environment: Mapping[str, str] = Field(default_factory=dict)
    directives: tuple[Line, ...] = ()
    options: SerializeAsAny[Model]

    def __init__(self, /, **data: Any) -> None:
        if "scheduler" in data:
            kind = scheduler(data["scheduler"])
            section = data.pop("options", None) or data.pop(kind.name, {})
            if not isinstance(section, Mapping | kind.options_type):
                raise InputError(f"{kind.name!r} of HPCProfile is {section!r}: give a section of keys and values.")
            data["options"] = kind.options_type(**section) if isinstance(section, Mapping) else section
        super().__init__(**data)

    @model_validator(mode="after")
    def _fits(self) -> HPCProfile:
        for queue in self.limits:
            if queue not in self.all_queues:
                raise UnknownNameError(f"queue in the limits of {self.name}", queue, self.all_queues)
        return self

    @property
    def all_queues(self) -> list[str]:
        """Names of the queues of all resource classes."""
        return list(dict.fromkeys(queue for kind in self.queues for queue in self.queues_of(kind)))

    def queues_of(self, kind: ResourceClass) -> Sequence[str]:
        """Return the names of the queues of a resource class, in the order in which they are tried.

        Parameters
        ----------
        kind
            Resource class.
        """
        return self.queues.get(kind, ())

    @model_validator(mode="after")
    def _can_be_reached(self) -> HPCProfile:
        if self.host is None:
            for key in ("remote_dir", "shared_files"):
                if getattr(self, key) != HPCProfile.model_fields[key].default:
                    raise InputError(f"{key} says something of a host, and {self.name} has none: name the host, too.")
            return self
        checked_host(self.host)
        if not scheduler(self.scheduler).commands:
            raise InputError(
                f"host={self.host!r}: {self.scheduler!r} has no commands that could be run there. Name the scheduler "
                "of that machine, or no host."
            )
        try:
            checked_place(self.remote_dir)
        except InputError:
            raise InputError(
                f"remote_dir={self.remote_dir!r}: give an absolute path of {self.host}, or ~/ and a path, and no step "
                "upwards."
            ) from None
        for key, words in self.executables.items():
            program = words if isinstance(words, str) else words[0]
            if program.startswith("~"):
                raise InputError(f"executables.{key}={program!r}: ~ is of this machine. Give the path on {self.host}.")
        return self
