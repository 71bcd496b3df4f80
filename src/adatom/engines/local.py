"""The embedded engine: this process, or worker processes that it keeps."""

from __future__ import annotations

import warnings
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.errors import InputError
from adatom.execution.call import Batch, Call, Outcome
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.pool import LocalPool
from adatom.execution.registry import local_workers
from adatom.execution.worker import execute, pack
from adatom.settings import get_settings
from adatom.workflow.options import UnusedResourceWarning

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["LocalEngine"]


class LocalEngine(Engine):
    """Runs jobs one after the other in this process or, with two workers and more, in processes of their own."""

    name: ClassVar[str] = "local"
    runner_type: ClassVar[str] = "`LocalPool`, or a number of workers"
    capabilities = Capabilities(concurrent=False, processes=False)

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        pool = runner if runner is not None else get_settings().local_workers
        if isinstance(pool, int) and not isinstance(pool, bool) and pool >= 1:
            pool = LocalPool(pool) if pool > 1 else None
        elif not isinstance(pool, LocalPool):
            raise InputError(f"{runner!r} is no runner of the local engine: give a LocalPool or a number of workers.")
        self._pool: LocalPool | None = pool
        if pool:
            self.capabilities = replace(self.capabilities, concurrent=True, processes=True)

    @property
    def slots(self) -> int:
        """Number of jobs that run at the same time."""
        return self._pool.workers if self._pool else 1

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> Future[Any]:
        """Start a call or batch; there are no `options` to give."""
        if options:
            raise InputError(f"engine_options={options!r}: the local engine has no options.")
        if self._pool:
            return self._pool.submit(work)
        return _Done(Outcome(execute(work)) if isinstance(work, Call) else pack(work))  # type: ignore[return-value]

    def interrupt(self) -> None:
        """End the jobs that run, at once."""
        if self._pool:
            self._pool.close(at_once=True)

    def close(self) -> None:
        """End the worker processes, unless the user made them."""
        if self._pool and self._pool is not self.runner:
            self._pool.close()

    @classmethod
    def make_runner(cls, workers: int) -> LocalPool:
        """Return a pool of worker processes."""
        return LocalPool(workers)

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> LocalPool:
        """Return a pool of worker processes on this machine, with a warning."""
        workers = local_workers()
        warnings.warn(
            f"The local engine runs jobs in {workers} processes of this machine, none in {request.scheduler}: "
            "for that, set ADATOM_WORKFLOW_ENGINE to dask, parsl or prefect.",
            UnusedResourceWarning,
            stacklevel=3,
        )
        return LocalPool(workers)


class _Done:
    """The part of a future that is used once it is done; a real future would double the cost of a short job."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def result(self) -> Any:
        return self._value

    def add_done_callback(self, function: Any) -> None:
        function(self)
