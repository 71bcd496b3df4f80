"""Request for a runner whose workers are in batch jobs of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from adatom.errors import InputError
from adatom.machines.allocation import Allocation, allocation
from adatom.machines.profiles.runner import RunnerProfile

__all__ = ["ClusterRequest", "check_whole"]


@dataclass(frozen=True)
class ClusterRequest:
    """Batch jobs that hold the workers of a runner, and their number.

    Attributes
    ----------
    kwargs
        Arguments for a cluster of dask-jobqueue, if the user describes the batch job by these.
    kind
        Name of the scheduler for `kwargs`, in lower case.
    profile
        Runner profile of the batch job, or its name. None: `kwargs` describes it; otherwise `kwargs` is empty.
    jobs
        Number of batch jobs, which stays constant.
    adapt
        Least and largest number of batch jobs, if the number follows the work. None: the number is `jobs`.
    temporary
        Whether each flow starts batch jobs of its own.
    """

    kwargs: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "slurm"
    profile: str | RunnerProfile | None = None
    jobs: int = 1
    adapt: tuple[int, int] | None = None
    temporary: bool = False

    def __post_init__(self) -> None:
        check_whole("jobs", self.jobs)
        if not isinstance(self.temporary, bool):
            raise InputError(f"temporary is {self.temporary!r}. Give True or False.")
        if self.adapt is not None:
            try:
                least, most = self.adapt
            except (TypeError, ValueError):
                raise InputError(f"adapt is {self.adapt!r}. Give two numbers of batch jobs, such as (0, 10).") from None
            check_whole("the first of adapt", least, 0)
            check_whole("the second of adapt", most, max(least, 1))
            if self.jobs != 1:
                raise InputError(f"jobs is {self.jobs} and adapt {self.adapt}: give one of them.")

    @cached_property
    def allocation(self) -> Allocation | None:
        """Batch job that the profile describes, for an engine whose workers reach this process; None: `kwargs` does.

        Raises
        ------
        InputError
            The profile does not exist, or cannot be used for this.
        """
        return None if self.profile is None else allocation(self.profile)

    @property
    def scheduler(self) -> str:
        """Name of the scheduler."""
        return self.allocation.scheduler if self.allocation else self.kind

    def refuse_temporary(self) -> None:
        """Refuse `temporary`, on behalf of an engine whose flows cannot start batch jobs of their own.

        Raises
        ------
        InputError
            The request asks for batch jobs of each flow.
        """
        if self.temporary:
            raise InputError(
                "temporary=True: this engine cannot start batch jobs for each flow. "
                "Use `with make_runner(...) as runner`."
            )


def check_whole(what: str, value: Any, least: int = 1) -> None:
    """Refuse a value that is no whole number, or is below the least.

    Parameters
    ----------
    what
        Name of the value, for the message.
    value, least
        Value, and the least that is valid.

    Raises
    ------
    InputError
        The value is not valid.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{what} is {value!r}. Give a whole number, {least} or more.")
