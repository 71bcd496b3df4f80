"""`RemoteInfo`: batch jobs for the items of an operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from adatom.errors import InputError
from adatom.machines.profiles.remote import RemoteProfile
from adatom.machines.profiles.runner import RunnerProfile
from adatom.utils.keywords import named_arguments

__all__ = ["RemoteInfo"]


@named_arguments
@dataclass(frozen=True)
class RemoteInfo:
    """Batch jobs for the items of an operation, which the queue engine submits, whichever engine is selected.

    A script that has ended, or was killed, finds its jobs again when it is run again with the same inputs.

    Attributes
    ----------
    system
        Name of a runner profile that `adatom.machines.load_profiles` finds or, where there is none, of a machine; or a
        `RunnerProfile`.
    resources
        Values for keys of a `RunnerProfile`, in place of those of the system: ``walltime``, ``nodes``,
        ``ranks_per_node``, ``threads_per_rank``, ``gpus_per_node``, ``memory``, ``resource_class``, ``jobs_per_node``
        ... Several ranks are started by ``mpirun`` unless ``launcher`` says otherwise.
    job_name
        Name under which ``adatom queue ls`` has the jobs. None: that of the system.
    items_per_job
        Number of items that a worker is given at a time. A model that takes milliseconds for a structure wants some
        hundred, a DFT code 1. A batch job does one such job after the other until its walltime is near.
    jobs
        Largest number of batch jobs at a time.
    pre_commands
        Lines of shell that run before the workers, after those of the system.
    post_commands
        Lines of shell that run when the workers of a batch job have ended, after those of the system.
    environment
        Variables of the workers, besides those of the system.
    directives
        Further directives of the batch jobs, without the scheduler's prefix.
    input_files
        Files and directories that the function reads, by paths that are relative or arguments. They have to exist when
        the operation begins, and are copied to a machine with a host.
    output_files
        Patterns of the names of files that come back from a machine with a host; see `RunnerProfile`.
    poll_interval
        Least time between two queries to the scheduler, and between two connections to a host; see `RunnerProfile`.
    timeout
        Longest time for which the operation waits, in s or as text such as ``"2h"``; None: no limit. After it the
        operation raises `UnfinishedError`. The jobs go on, and the next call with the same inputs finds them.

    Raises
    ------
    InputError
        A key does not exist, or a value is not valid.
    """

    system: str | RunnerProfile
    resources: Mapping[str, Any] = field(default_factory=dict)
    job_name: str | None = None
    items_per_job: int = 1
    jobs: int = 10
    pre_commands: Sequence[str] = ()
    post_commands: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    directives: Sequence[str] = ()
    input_files: Sequence[str] = ()
    output_files: Sequence[str] = ("*",)
    poll_interval: float | str | None = None
    timeout: float | str | None = None

    def __post_init__(self) -> None:
        for name in ("pre_commands", "post_commands", "directives", "input_files", "output_files"):
            if isinstance(getattr(self, name), str):
                raise InputError(f"RemoteInfo({name}={getattr(self, name)!r}): give a list.")
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        given["input_files"] = tuple(map(str, self.input_files))
        checked = RemoteProfile(name="RemoteInfo", **given)
        for name in given:
            value = getattr(checked, name)
            value = MappingProxyType(deepcopy(dict(value))) if isinstance(value, Mapping) else value
            object.__setattr__(self, name, value)

    @property
    def wait(self) -> float | None:
        """Longest time for which an operation waits, in s; None: no limit."""
        return None if self.timeout is None else float(self.timeout)

    def __hash__(self) -> int:
        return hash((str(self.system), self.job_name, self.items_per_job, self.jobs))  # enough; equality compares all

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, each.name) for each in fields(self))
        return type(self), tuple(dict(value) if isinstance(value, Mapping) else value for value in values)
