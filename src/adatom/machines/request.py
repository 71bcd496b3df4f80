"""What a runner on a cluster is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adatom.errors import InputError
from adatom.machines.allocation import Allocation

__all__ = ["ClusterRequest"]


@dataclass(frozen=True)
class ClusterRequest:
    """How many batch jobs, and what each is.

    Attributes
    ----------
    scheduler
        The scheduler's name.
    kwargs
        Arguments for the cluster of dask-jobqueue, where the user speaks its language.
    allocation
        What a profile asks for, where there is one; then `kwargs` is empty.
    jobs
        How many batch jobs there are, always.
    adapt
        Between how many their number follows the work; None: it does not.
    temporary
        Whether each flow has batch jobs of its own.
    """

    scheduler: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    allocation: Allocation | None = None
    jobs: int = 1
    adapt: tuple[int, int] | None = None
    temporary: bool = False

    def __post_init__(self) -> None:
        _whole("jobs", self.jobs)
        if not isinstance(self.temporary, bool):
            raise InputError(f"temporary is {self.temporary!r}. Give True or False.")
        if self.adapt is not None:
            try:
                least, most = self.adapt
            except (TypeError, ValueError):
                raise InputError(f"adapt is {self.adapt!r}. Give two numbers of batch jobs, such as (0, 10).") from None
            _whole("the first of adapt", least, 0)
            _whole("the second of adapt", most, max(least, 1))
            if self.jobs != 1:
                raise InputError(f"jobs is {self.jobs} and adapt {self.adapt}: give one of them.")

    def refuse_temporary(self) -> None:
        """Of an engine whose flows start nothing of their own.

        Raises
        ------
        InputError
            They were to.
        """
        if self.temporary:
            raise InputError("temporary=True is for the prefect engine. Use `with make_runner(...) as runner`.")


def _whole(what: str, value: Any, least: int = 1) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{what} is {value!r}. Give a whole number, {least} or more.")
