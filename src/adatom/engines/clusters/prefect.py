"""A Prefect task runner on Dask workers in batch jobs."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from adatom.engines.clusters.jobqueue import make_cluster, script_of
from adatom.engines.dask import DaskEngine
from adatom.execution.call import Batch, Call
from adatom.machines.request import ClusterRequest

__all__ = ["ClusterTaskRunner"]


class ClusterTaskRunner(DaskTaskRunner):
    """``DaskTaskRunner`` on one cluster of dask-jobqueue for all flows, or on one for each flow.

    Prefect gives each flow run a duplicate of its task runner.

    Parameters
    ----------
    request
        Number and description of the batch jobs, which are submitted when a flow first uses the task runner.
    """

    def __init__(self, request: ClusterRequest) -> None:
        self._request = request
        self._own = None if request.temporary else make_cluster(request, "prefect")
        if self._own is None:
            super().__init__(cluster_class=self._start)
        else:
            super().__init__(cluster=self._own)
            self.adatom_pool = _Workers(self._own)

    def _start(self) -> Any:
        cluster = make_cluster(self._request, "prefect")
        cluster.start()
        return cluster

    def duplicate(self) -> DaskTaskRunner:
        """Return the task runner of a flow run, on the same cluster or on one of its own."""
        if self._own is None:
            return DaskTaskRunner(cluster_class=self._start)
        self._own.start()
        return DaskTaskRunner(address=self._own.scheduler_address, client_kwargs={"security": self._own.security})

    def feeder(self) -> ThreadPoolTaskRunner[Any]:
        """Return the task runner of one flow of adatom, whose threads hand the jobs to batch jobs of that flow."""
        return _FlowsOwn(self._request)

    def __reduce__(self) -> Any:  # a flow, with its task runner, is sent along with each of its tasks
        return DaskTaskRunner, (None, self._own and self._own.scheduler_address)

    def job_script(self) -> str:
        """Return the script of a batch job."""
        return script_of(self._request, "prefect")

    def close(self) -> None:
        """Cancel the batch jobs."""
        from adatom.execution.registry import release

        release(self)
        if self._own is not None:
            self.adatom_pool.close()
            self._own.close()

    def __enter__(self) -> ClusterTaskRunner:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


class _FlowsOwn(ThreadPoolTaskRunner[Any]):
    """Threads that hand jobs to a cluster which starts and ends with a flow, so that its nodes need no server."""

    def __init__(self, request: ClusterRequest) -> None:
        super().__init__()
        self._request = request
        self.adatom_pool: _Workers | None = None

    def duplicate(self) -> _FlowsOwn:
        return _FlowsOwn(self._request)

    def __enter__(self) -> _FlowsOwn:
        cluster = self._cluster = make_cluster(self._request, "prefect")
        try:
            cluster.start()
            self._max_workers = 2 * cluster.adatom_slots
            self.adatom_pool = _Workers(cluster)
            super().__enter__()
        except BaseException:
            cluster.close()
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            super().__exit__(*error)
        finally:
            if self.adatom_pool:
                self.adatom_pool.close()
            self._cluster.close()


class _Workers:
    """The workers of a cluster in place of a `LocalPool`, to which Prefect's threads hand their work."""

    stopped = False

    def __init__(self, cluster: Any) -> None:
        self.workers = cluster.adatom_slots
        self._cluster = cluster
        self._engine: DaskEngine | None = None
        self._making = threading.Lock()

    def submit(self, work: Call | Batch) -> Future[Any]:
        with self._making:
            if self._engine is None:
                self._engine = DaskEngine(self._cluster)
        return self._engine.send(work, {})

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
