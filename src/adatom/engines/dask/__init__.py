"""Dask: the user's client or cluster, or worker processes on this machine."""

from __future__ import annotations

import os
import sys
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.engines.dask.tasks import Tasks
from adatom.errors import EngineError, InputError
from adatom.execution.call import Batch, Call
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.registry import announce, local_workers

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["DaskEngine"]


class DaskEngine(Engine):
    """Sends each job to a Dask scheduler."""

    name: ClassVar[str] = "dask"
    package: ClassVar[str] = "distributed"
    runner_type: ClassVar[str] = "a Dask client, cluster, or scheduler address"
    capabilities = Capabilities(worthwhile=0.5)  # the scheduler is in this process, and takes its time from it

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        from distributed import Client, get_client

        self._cluster = client = None
        if isinstance(runner, Client):
            client = runner
        elif runner is None:
            try:
                client = get_client()
            except ValueError:  # there is none
                workers = local_workers()
                self._cluster = self.make_runner(workers)
                announce(f"dask: started {workers} worker processes on this machine; they end with this script.")
        elif not isinstance(runner, str) and not hasattr(runner, "scheduler_address"):
            raise InputError(f"{runner!r} is no runner of the dask engine: give {self.runner_type}.")
        there = runner or self._cluster
        connect = partial(Client, there, set_as_default=False)
        self._own_client = client is None
        self._tasks = Tasks(
            client or connect(),
            connect=connect if self._own_client else None,
            ledger=getattr(there, "adatom_ledger", None),
            give_up=self.give_up,
        )
        self.capabilities = replace(self.capabilities, processes=self._processes())
        if hasattr(runner, "adatom_request"):
            runner.start()
            runner.on_broken(lambda why: self.give_up(f"There are no workers: {why}"))

    def look_after(self) -> str:
        """Look whether the scheduler can be reached and, of this engine's own workers, one lives."""
        if self._client.status in ("closing", "closed"):
            return self._tasks.unreachable
        if cluster := self._cluster:
            nannies = [worker.process for worker in list(cluster.workers.values())]
            if nannies and all(nanny is None or nanny.returncode is not None for nanny in nannies):
                return f"All {len(nannies)} Dask workers of this script died. Run it again."
        return ""

    @property
    def _client(self) -> Any:
        return self._tasks.client

    def _processes(self) -> bool:
        """Return whether a job that kills its worker kills no other job, nor this process."""

        def look() -> int | str:  # by value: a worker that cannot import its task ends without a word here
            try:
                import_module("adatom.engines.dask")
            except Exception as error:
                return f"{type(error).__name__}: {error}"
            return os.getpid()

        found = self._client.run(look)
        for worker, pid in found.items():
            if isinstance(pid, str):
                raise EngineError(f"The Dask worker {worker} cannot import adatom: {pid}. Install it there.")
        one_each = all(threads == 1 for threads in self._client.nthreads().values())
        return one_each and os.getpid() not in found.values()

    @classmethod
    def runs_this(cls) -> bool:
        """Return whether this code is part of a task on a Dask worker."""
        if "distributed.worker" not in sys.modules:
            return False
        from distributed import get_worker

        try:
            return bool(get_worker())
        except ValueError:
            return False

    @property
    def slots(self) -> int:
        """Number of threads of all workers, at least the number expected once all batch jobs have started."""
        there = sum(self._client.nthreads().values())
        return max(1, there, getattr(self.runner, "adatom_slots", 0))

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> Future[Any]:
        """Start a call or batch; `options` go to ``Client.submit``."""
        rank = {"priority": 1} if getattr(work, "waited", False) and "priority" not in options else {}
        return self._tasks.submit(work, **rank, **options)

    def native(self, function: Any, name: str, options: dict[str, Any]) -> Any:
        """Return a ``dask.delayed`` function; `options` must be empty, as they are those of ``Client.submit``."""
        import dask

        if options:
            raise InputError(f"engine_options={options!r} are for Client.submit. On dask.delayed use dask.annotate.")
        return dask.delayed(function, name=name, pure=False)

    def interrupt(self) -> None:
        """End the workers, if they are this engine's; those of the user finish their jobs."""
        self._close_cluster()

    def close(self) -> None:
        """End the workers and the client, if they are this engine's."""
        self._tasks.close()
        if self._own_client:
            self._client.close(timeout=5)
        self._close_cluster()

    def _close_cluster(self) -> None:
        cluster, self._cluster = self._cluster, None
        if cluster is None:
            return
        workers = [worker.process for worker in list(cluster.workers.values())]
        try:
            cluster.close(timeout=5)
        except Exception:  # Dask itself may fail to end in order; a second try would wait for the first
            cluster.shutdown_on_close = False  # nor is there one at exit
            for nanny in workers:
                if nanny is not None and nanny.returncode is None:
                    nanny.kill()  # its worker ends with it

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> Any:
        """Return a cluster of dask-jobqueue."""
        from adatom.engines.clusters.jobqueue import make_cluster

        request.refuse_temporary()
        return make_cluster(request)

    @classmethod
    def make_runner(cls, workers: int) -> Any:
        """Return a cluster of worker processes that start clean interpreters, so that a script needs no guard."""
        from adatom.engines.dask.local_cluster import make_local_cluster

        return make_local_cluster(workers)
