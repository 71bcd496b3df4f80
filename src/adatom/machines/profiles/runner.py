"""Profile of a runner whose workers are in batch jobs."""

from __future__ import annotations

from typing import Self

from pydantic import PositiveInt, model_validator

from adatom.errors import InputError
from adatom.machines.model import Line, Name
from adatom.machines.profiles.setup import Setup
from adatom.machines.resources import Resources

__all__ = ["RunnerProfile"]


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
    """

    name: Name
    machine: Name
    jobs_per_node: PositiveInt = 1
    python: Line | None = None

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.nodes > 1 and self.jobs_per_node > 1:
            raise InputError(
                f"nodes is {self.nodes} and jobs_per_node {self.jobs_per_node}: a job of several nodes shares none."
            )
        return self

    @property
    def whole(self) -> Resources:
        """Resources of the batch job: `resources` of all jobs that run at the same time."""
        one, times = self.resources, self.jobs_per_node
        more = {"ranks_per_node": one.ranks_per_node * times, "gpus_per_node": one.gpus_per_node * times}
        return one.model_copy(update=more | ({} if one.memory is None else {"memory": one.memory * times}))
