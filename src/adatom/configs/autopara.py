"""`AutoparaInfo`: options for spreading an operation over workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from adatom.errors import InputError
from adatom.utils.keywords import named_arguments

if TYPE_CHECKING:
    from adatom.configs.remote import RemoteInfo

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
    remote_info
        `RemoteInfo` that sends the items to batch jobs, or the label of one: that of a table ``[remote.LABEL]`` in the
        files of profiles, or of the setting ``remote_info``. None: a label that is the name of the function, or
        ``"calculate PREFIX"`` or ``"calculate"``, counts, unless `workers` or `runner` is given or the call is in a
        job; without one the items are not sent there. It cannot be given with `workers`, `runner` or `batch`.

    Raises
    ------
    InputError
        A number is out of its range, `initializer` is no function, or two options contradict each other.
    """

    workers: int | None = None
    runner: Any = None
    batch: int | None = None
    initializer: Callable[[], Any] | None = None
    retries: int | None = None
    time_budget: float | None = None
    remote_info: RemoteInfo | str | None = None

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
        if self.remote_info is not None:
            self._check_remote()

    def _check_remote(self) -> None:
        from adatom.configs.remote import RemoteInfo

        if not isinstance(self.remote_info, RemoteInfo | str):
            raise InputError(
                f"AutoparaInfo(remote_info={self.remote_info!r}): give a RemoteInfo, such as RemoteInfo('cluster'), or "
                "the label of one."
            )
        for name, instead in (
            ("workers", "a batch job has those of resources={'jobs_per_node': ...}"),
            ("runner", "the batch jobs are the runner"),
            ("batch", "the number of items is RemoteInfo(items_per_job=...)"),
        ):
            if getattr(self, name) is not None:
                raise InputError(f"AutoparaInfo(remote_info=..., {name}=...): give one of them; {instead}.")
