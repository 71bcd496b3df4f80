"""A Dask cluster of worker processes on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from adatom.execution.cleanup import guarded

__all__ = ["make_local_cluster"]


def make_local_cluster(workers: int) -> Any:
    """Return a cluster whose workers start clean interpreters, so that a script needs no guard.

    Parameters
    ----------
    workers
        Number of worker processes, of one thread each.
    """
    import dask
    import distributed
    from distributed.deploy.subprocess import SubprocessWorker

    from adatom.engines.clusters.certificate import temporary_security

    directory = tempfile.TemporaryDirectory(prefix="adatom-dask-")
    security = temporary_security()
    one = {
        "host": "127.0.0.1",
        "protocol": "tls",
        "security": _in_files(security, directory.name),
        "config": {"distributed.worker.http.routes": []},
        "nthreads": 1,
        "memory_limit": 0,
        "dashboard": False,
        "death_timeout": 60,
        "silence_logs": 40,
        "local_directory": directory.name,
    }
    worker = {
        "cls": SubprocessWorker,
        "options": {"worker_class": "distributed.Nanny", "worker_kwargs": one},
    }
    scheduler = {
        "port": 0,
        "host": "127.0.0.1",
        "protocol": "tls",
        "security": security,
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    }
    # A job that kills its worker is not tried again behind the back of its `retries`. Pages are open to everyone.
    ours = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.http.routes": [],
        "temporary-directory": directory.name,  # in which a scheduler leaves one
    }
    with dask.config.set(ours), _workers_are_no_daemons(), guarded(directory.name):
        cluster = distributed.SpecCluster(
            scheduler={"cls": distributed.Scheduler, "options": scheduler},
            workers=dict.fromkeys(range(workers), worker),
            worker=worker,
            silence_logs=40,
            security=security,
        )
    cluster.adatom_ledger = directory.name
    cluster.adatom_directory = directory  # removed with the cluster
    return cluster


@contextmanager
def _workers_are_no_daemons() -> Iterator[None]:
    """Let workers that are started in the block have children, such as those of `multiprocessing`.

    Their nannies are processes that read their configuration from variables alone.
    """
    name = "DASK_DISTRIBUTED__WORKER__DAEMON"
    before = os.environ.get(name)
    os.environ[name] = "False"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _in_files(security: Any, directory: str) -> dict[str, Any]:
    """Write the certificate of a worker into a directory, as keys are not for command lines."""
    paths = {}
    for name in ("ca_file", "worker_cert", "worker_key"):
        paths[f"tls_{name}"] = path = f"{directory}/{name}.pem"
        with open(path, "w", opener=partial(os.open, mode=0o600)) as file:
            file.write(getattr(security, f"tls_{name}"))
    return {"require_encryption": True, **paths}
