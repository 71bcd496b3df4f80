"""Profile of a runner whose workers are in batch jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from adatom.errors import InputError
from adatom.machines.model import Line, Name
from adatom.machines.profiles.setup import Setup
from adatom.machines.resources import Memory, Resources, Walltime

__all__ = ["RunnerProfile"]

Cause = Literal["timeout", "out_of_memory", "node_failure", "preempted"]
Factor = Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]


class RunnerProfile(Setup):
    """Profile of the resources and the environment of a job of a recipe, and of the jobs that share a batch job.

    Attributes
    ----------
    name
        Name that callers use for the profile.
    machine
        Name of the profile of the machine.
    jobs_per_node
        Number of jobs that run at the same time on a node, each with the resources above. One batch job asks for the
        resources of all of them. `walltime` is the run time of the batch job.
    python
        Path of the interpreter on the machine. None: the one that makes the runner.
    retry
        What the queue engine does with jobs whose batch job was ended, by the cause, ``"timeout"``,
        ``"out_of_memory"``, ``"node_failure"`` or ``"preempted"``: they are done by a later batch job, which gets
        `walltime` and `memory` times these factors.
    input_files
        Files and directories of this machine that the queue engine copies to a machine with a host, when they have
        changed. A job finds them by the same path, if it is relative, or an argument.
    output_files
        Patterns of the names of files of jobs that the queue engine copies here from a machine with a host, such as
        ``"*.out"``.
    output_limit
        Size of the largest file that is copied, in bytes or as text such as ``"2G"``. The larger ones stay there, and
        are listed in ``not-copied.txt`` in the directory of the job.
    poll_interval
        Least time between two queries of the queue engine to the scheduler, and between two connections to a machine
        with a host, in s or as text such as ``"30s"``. None: the engine asks ever more rarely while nothing changes,
        the scheduler each 15 s at most, a host each 10 s.
    directives
        Further directives of the batch job, without the scheduler's prefix, after those of the machine.
    """

    name: Name
    machine: Name
    jobs_per_node: PositiveInt = 1
    python: Line | None = None
    retry: Mapping[Cause, Mapping[Literal["walltime", "memory"], Factor]] = Field(default_factory=dict)
    input_files: tuple[Line, ...] = ()
    output_files: tuple[Line, ...] = ("*",)
    output_limit: Memory = 100 * 2**20
    poll_interval: Walltime | None = None
    directives: tuple[Line, ...] = ()

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.nodes > 1 and self.jobs_per_node > 1:
            raise InputError(
                f"nodes is {self.nodes} and jobs_per_node {self.jobs_per_node}: a job of several nodes shares none."
            )
        return self

    @model_validator(mode="after")
    def _can_grow(self) -> Self:
        for cause, factors in self.retry.items():
            for name in factors:
                if getattr(self, name) is None:
                    raise InputError(f"retry.{cause}.{name} is a factor of {name}, which is not given: give it, too.")
        return self

    def grown(self, cause: str) -> RunnerProfile | None:
        """Return the profile of the batch jobs after one that was ended; None: `retry` does not name the cause.

        Parameters
        ----------
        cause
            Cause of the end, as in `retry`.
        """
        factors: Mapping[str, float] | None = self.retry.get(cause)  # type: ignore[call-overload]
        if factors is None:
            return None
        more = {name: getattr(self, name) * factor for name, factor in factors.items()}
        return self.model_copy(update={name: int(size) if name == "memory" else size for name, size in more.items()})

    @property
    def whole(self) -> Resources:
        """Resources of the batch job: `resources` of all jobs that run at the same time."""
        one, times = self.resources, self.jobs_per_node
        more = {"ranks_per_node": one.ranks_per_node * times, "gpus_per_node": one.gpus_per_node * times}
        return one.model_copy(update=more | ({} if one.memory is None else {"memory": one.memory * times}))
