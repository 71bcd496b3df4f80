"""`AutoparaInfo`: options for spreading an operation over workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from adatom.errors import InputError
from adatom.utils.keywords import named_arguments

__all__ = ["AutoparaInfo"]


@named_arguments
@dataclass(frozen=True)
class AutoparaInfo:
    """Options for spreading an operation over workers. The outputs do not depend on them.

    Attributes
    ----------
    workers
        Number of worker processes that are started for operations on this machine; 1: the work is done in this process.
        The workers stay for the next operation, and use one thread each unless ``OMP_NUM_THREADS`` is set. None: the
        setting ``num_python_subprocesses`` or, if that is not set, the selected engine and its workers.
    runner
        Runner of the selected engine, as a flow takes it; None: the engine's own. It cannot be given with `workers`.
    batch
        Largest number of items that are sent to a worker at a time. None: as many as take a fraction of a second.
    initializer
        Function without arguments that is called once in each worker, before its first item. None: no function.
    retries
        Number of further attempts for an item whose worker died and, where ``on_error="retry"``, for which the function
        raised. None: the `retries` of a job; of any other function 0, where ``on_error="retry"`` 2.
    time_budget
        Time in seconds after which no further item is started; None: no limit but that of the process
        (`adatom.execution.deadline`).

    Raises
    ------
    InputError
        A number is out of its range, `initializer` is no function, or both `workers` and `runner` are given.
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
        if self.initializer is not None and not callable(self.initializer):
            raise InputError(
                f"AutoparaInfo(initializer={self.initializer!r}): give a function without arguments, such as "
                "functools.partial(function, *args)."
            )
        if self.workers is not None and self.runner is not None:
            raise InputError("AutoparaInfo(workers=..., runner=...): give one of them; a runner has its own workers.")
