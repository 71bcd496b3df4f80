"""Dask workers in batch jobs, by dask-jobqueue, for the engines dask, prefect and covalent."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from importlib import import_module
from typing import Any

from distributed import Security

from adatom.engines.clusters.certificate import temporary_security
from adatom.engines.clusters.replacing import ReplacingCluster, reporting
from adatom.errors import InputError, MissingExtraError, UnknownNameError
from adatom.machines.allocation import Allocation, lifetime, log_directory, stop_in_time
from adatom.machines.request import ClusterRequest
from adatom.machines.script import THREADS

__all__ = ["CLUSTERS", "allocation_of", "make_cluster", "script_of"]

# The class of dask-jobqueue for each scheduler, and the beginning of the scheduler's directives.
CLUSTERS = {
    "slurm": ("SLURMCluster", "#SBATCH"),
    "pbs": ("PBSCluster", "#PBS"),
    "sge": ("SGECluster", "#$"),
    "lsf": ("LSFCluster", "#BSUB"),
    "htcondor": ("HTCondorCluster", ""),
    "oar": ("OARCluster", "#OAR"),
    "moab": ("MoabCluster", "#PBS"),
}

_NO_DAEMONS = "export DASK_DISTRIBUTED__WORKER__DAEMON=False"  # they could not use `multiprocessing`
_NO_PAGES = "export DASK_DISTRIBUTED__WORKER__HTTP__ROUTES='[]'"
_OF_CLUSTER = ("dashboard_address", "host", "n_workers", "scheduler_cls", "scheduler_options", "silence_logs")


def make_cluster(request: ClusterRequest, extra: str = "dask") -> Any:
    """Return a cluster of dask-jobqueue; an engine submits its batch jobs at first use, or the user by ``start()``.

    Parameters
    ----------
    request
        Scheduler, and number and description of the batch jobs.
    extra
        Extra of adatom that installs dask-jobqueue for the engine.

    Returns
    -------
    dask_jobqueue.JobQueueCluster
        Cluster that closes with its ``with`` block, or by ``close()``, which cancels its batch jobs.

    Raises
    ------
    UnknownNameError
        dask-jobqueue knows no such scheduler.
    InputError
        dask-jobqueue refuses an argument.
    """
    import dask

    base, kwargs, ledger = _cluster_class(request.scheduler, extra), _kwargs(request), _ledger()
    if _wants_certificate(kwargs, extra):
        kwargs |= {"security": temporary_security(), "shared_temp_directory": ledger}
    kind = type(base.__name__, (ReplacingCluster, base), {"job_cls": reporting(base.job_cls)})
    # A job that kills its worker is not tried again behind the back of its `retries`.
    ours: dict[str, Any] = {"distributed.scheduler.allowed-failures": 0, "temporary-directory": ledger}
    if not _has_pages(kwargs):
        none = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
        kwargs["scheduler_options"] = none | (kwargs.get("scheduler_options") or {})
        ours["distributed.scheduler.http.routes"] = []
    with dask.config.set(ours):
        try:
            cluster = kind(**kwargs)
        except (ValueError, TypeError) as error:
            shutil.rmtree(ledger, ignore_errors=True)
            raise InputError(f"{base.__name__} of dask-jobqueue refuses its arguments: {error}") from error
    cluster.adatom_request = request
    cluster.adatom_ledger = ledger
    cluster.adatom_slots = (request.adapt[1] if request.adapt else request.jobs) * kwargs["processes"]
    return cluster


def allocation_of(request: ClusterRequest, extra: str) -> Allocation:
    """Return the batch job that dask-jobqueue would submit, for other workers than its own.

    Parameters
    ----------
    request
        Scheduler, and description of the batch job.
    extra
        Extra of adatom that installs dask-jobqueue for the engine.
    """
    if request.allocation:
        return request.allocation
    job = _job(request, extra)
    # As Dask does for its own workers: each job has its share of the cores.
    threads = [f"export {name}={job.worker_cores // job.worker_processes}" for name in THREADS]
    return Allocation(
        scheduler=request.scheduler,
        header=job.job_header.splitlines(),
        setup=[*threads, *(line for line in job._job_script_prologue or () if line)],
        workers=job.worker_processes,
        cores=job.worker_cores,
        memory=job.worker_memory,
        walltime=_walltime(request),
        python=shlex.split(job._command_template)[0],
    )


def script_of(request: ClusterRequest, extra: str) -> str:
    """Return the script of a batch job that is not submitted yet.

    Parameters
    ----------
    request, extra
        Same as in `make_cluster`; nothing is submitted.
    """
    return str(_job(request, extra).job_script())


def _job(request: ClusterRequest, extra: str) -> Any:
    base, given = _cluster_class(request.scheduler, extra), _kwargs(request)
    kwargs = {name: value for name, value in given.items() if name not in _OF_CLUSTER}
    address = "tcp://SCHEDULER:PORT"
    if _wants_certificate(kwargs, extra):
        files = {f"tls_{name}": name.upper() for name in ("ca_file", "worker_cert", "worker_key")}
        address, kwargs["security"] = "tls://SCHEDULER:PORT", Security(require_encryption=True, **files)
    try:
        return base.job_cls(address, name="NAME", **kwargs)
    except (ValueError, TypeError) as error:
        raise InputError(f"{base.__name__} of dask-jobqueue refuses its arguments: {error}") from error


def _wants_certificate(kwargs: dict[str, Any], extra: str) -> bool:
    """Return whether scheduler and workers get a certificate of ours: not the user's, nor for Covalent's server."""
    return extra != "covalent" and not {"security", "protocol"} & set(kwargs)


def _cluster_class(scheduler: str, extra: str) -> Any:
    if scheduler not in CLUSTERS:
        raise UnknownNameError("scheduler for workers", scheduler, CLUSTERS)
    try:
        return getattr(import_module("dask_jobqueue"), CLUSTERS[scheduler][0])
    except ImportError as error:
        raise MissingExtraError("dask-jobqueue", extra) from error


def _kwargs(request: ClusterRequest) -> dict[str, Any]:
    """Arguments for dask-jobqueue, from a profile or from the user."""
    kwargs = dict(request.kwargs) if request.allocation is None else _of_allocation(request.allocation)
    # One job at a time in a process: calculators are not made for threads.
    kwargs.setdefault("processes", kwargs.get("cores") or 1)
    kwargs.setdefault("job_name", "adatom-workers")
    kwargs.setdefault("python", _python(request.scheduler))
    kwargs.setdefault("log_directory", str(log_directory()))
    extra = list(kwargs.get("worker_extra_args") or [])
    walltime = _walltime(request)
    if request.allocation is None:  # else its script says so already
        told = [f"export {name}={value}" for name, value in stop_in_time(walltime).items()]
        kwargs["job_script_prologue"] = [*told, *(kwargs.get("job_script_prologue") or [])]
    if walltime and not any(str(word).startswith("--lifetime") for word in extra):
        seconds, stagger = lifetime(walltime)
        extra += ["--lifetime", f"{seconds}s", "--lifetime-stagger", f"{stagger}s"]
    kwargs["worker_extra_args"] = extra
    ours = [_NO_DAEMONS] if _has_pages(kwargs) else [_NO_DAEMONS, _NO_PAGES]
    kwargs["job_script_prologue"] = [*ours, *(kwargs.get("job_script_prologue") or [])]
    return kwargs


def _has_pages(kwargs: dict[str, Any]) -> bool:
    """Return whether Dask's pages, which everyone can read, are asked for."""
    options = kwargs.get("scheduler_options") or {}
    return bool(options.get("dashboard_address") or options.get("dashboard"))


def _of_allocation(wanted: Allocation) -> dict[str, Any]:
    prefix = CLUSTERS[wanted.scheduler][1] if wanted.scheduler in CLUSTERS else ""
    extra = ["--memory-limit", "0"]  # the scheduler sees to that, for programs that jobs start as well
    if wanted.gpus:
        extra += ["--preload", "adatom.engines.clusters.accelerators"]
    return {
        "cores": wanted.workers,
        "processes": wanted.workers,
        "memory": wanted.memory or "1GB",
        "job_directives_skip": [""],  # all of dask-jobqueue's own
        "job_extra_directives": [line.removeprefix(prefix).strip() for line in wanted.header],
        "job_script_prologue": [*wanted.setup, f"export WORKERS_PER_NODE={wanted.workers} GPUS_PER_NODE={wanted.gpus}"],
        "python": shlex.quote(wanted.python),
        "shebang": "#!/bin/bash",
        "worker_extra_args": extra,
    }


def _python(scheduler: str) -> str:
    """Return the interpreter of the workers, by the user's configuration of Dask or else this one, as a shell word."""
    import dask

    told = dask.config.get(f"jobqueue.{scheduler}.python", None)  # read where dask_jobqueue is imported
    return str(told or shlex.quote(sys.executable))


def _walltime(request: ClusterRequest) -> float | None:
    """Return the walltime of a batch job in seconds; None if nothing limits it."""
    import dask

    if request.allocation:
        return request.allocation.walltime
    default = dask.config.get(f"jobqueue.{request.scheduler}.walltime", None)  # read where dask_jobqueue is imported
    text = str(request.kwargs.get("walltime") or default or "")
    if not text:
        return None
    if not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", text):
        raise InputError(f"walltime is {text!r}: give it as {request.scheduler} reads it, such as '01:30:00'.")
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    # The unit of the first number, in s: sbatch(1), bsub(1); elsewhere the last one is seconds.
    if days:
        first = 3600
    elif request.scheduler == "slurm":
        first = {1: 60, 2: 60, 3: 3600}[len(parts)]
    elif request.scheduler == "lsf":
        first = {1: 60, 2: 3600, 3: 3600}[len(parts)]
    else:
        first = 60 ** (len(parts) - 1)
    return int(days or 0) * 86400 + sum(part * first / 60**i for i, part in enumerate(parts))


def _ledger() -> str:
    """Make a directory for notes of the workers and for their certificate, which only this user can read."""
    ledger = log_directory() / f".running-{os.urandom(4).hex()}"
    ledger.mkdir(mode=0o700)
    return str(ledger)
