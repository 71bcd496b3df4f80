"""`AutoparaInfo`: how an operation spreads over workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from adatom.errors import InputError

__all__ = ["AutoparaInfo"]


@dataclass(frozen=True)
class AutoparaInfo:
    """How an operation spreads over workers. What comes out does not depend on it.

    Attributes
    ----------
    workers
        Worker processes of the operation's own on this machine; 1: this process. They stay for the next operation, and
        use one thread each unless ``OMP_NUM_THREADS`` is set. None: the setting ``num_python_subprocesses`` or, without
        it, the selected engine and its workers.
    runner
        What the selected engine runs on, as a flow takes it; not with `workers`.
    batch
        Items that are sent to a worker at a time, at most. None: as many as take a fraction of a second.
    initializer
        Called once in each worker, before its first item.
    retries
        Number of further attempts for an item whose worker died and, where ``on_error="retry"``, for which the function
        raised. None: the `retries` of a job; of any other function 0, where ``on_error="retry"`` 2.
    time_budget
        Seconds after which nothing more is started; None: no limit but that of the process
        (`adatom.execution.deadline`).

    Raises
    ------
    InputError
        A number is out of its range, or both `workers` and `runner` are given.
    """

    workers: int | None = None
    runner: Any = None
    batch: int | None = None
    initializer: Callable[[], Any] | None = None
    retries: int | None = None
    time_budget: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("batch", 1), ("retries", 0), ("time_budget", 0)):
            value: Any = getattr(self, name)
            kind, words = (Real, "a number") if name == "time_budget" else (Integral, "a whole number")
            valid = isinstance(value, kind) and not isinstance(value, bool) and float(value) >= least
            if value is not None and not valid:
                raise InputError(f"AutoparaInfo({name}={value!r}): give {words} of at least {least}.")
        if self.workers is not None and self.runner is not None:
            raise InputError("AutoparaInfo(workers=..., runner=...): give one of them; a runner has its own workers.")
