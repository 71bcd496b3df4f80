"""A Covalent executor on Dask workers in batch jobs."""

from __future__ import annotations

from typing import Any

from covalent.executor import DaskExecutor

from adatom.engines.clusters.jobqueue import make_cluster, script_of
from adatom.machines.request import ClusterRequest

__all__ = ["ClusterExecutor"]

# All attributes of an executor are sent to the server, so the clusters are kept here, by address.
_clusters: dict[str, Any] = {}


class ClusterExecutor(DaskExecutor):
    """Covalent's Dask executor, on a cluster of dask-jobqueue.

    Parameters
    ----------
    request
        Number and description of the batch jobs, which are submitted when a flow first uses the executor.
    """

    def __init__(self, request: ClusterRequest) -> None:
        cluster = make_cluster(request, "covalent")
        super().__init__(scheduler_address=cluster.scheduler_address)
        _clusters[self.scheduler_address] = cluster

    # Covalent finds executors by the module of their class, and the server has only Dask's.
    __module__ = DaskExecutor.__module__

    def start(self) -> None:
        """Submit the batch jobs."""
        _clusters[self.scheduler_address].start()

    def job_script(self) -> str:
        """Return the script of a batch job."""
        return script_of(_clusters[self.scheduler_address].adatom_request, "covalent")

    def close(self) -> None:
        """Cancel the batch jobs."""
        from adatom.execution.registry import release

        release(self)
        _clusters.pop(self.scheduler_address).close()

    def __enter__(self) -> ClusterExecutor:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def __reduce__(self) -> Any:
        return _plain, (self.__dict__,)


def _plain(attributes: dict[str, Any]) -> DaskExecutor:
    executor = DaskExecutor()
    executor.__dict__.update(attributes)
    return executor
