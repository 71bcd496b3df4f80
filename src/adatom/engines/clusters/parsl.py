"""Parsl's workers in batch jobs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import parsl.providers
from parsl import Config
from parsl.dataflow.dependency_resolvers import DEEP_DEPENDENCY_RESOLVER
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SimpleLauncher

from adatom.engines.clusters.accelerators import shares
from adatom.engines.clusters.htex import interchange_command, worker_command
from adatom.engines.clusters.jobqueue import allocation_of
from adatom.errors import UnknownNameError
from adatom.machines.allocation import Allocation, lifetime, log_directory
from adatom.machines.request import ClusterRequest
from adatom.utils.durations import clock

__all__ = ["PROVIDERS", "ClusterConfig"]

PROVIDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "slurm": ("SlurmProvider", {}),
    "pbs": ("PBSProProvider", {}),
    "sge": ("GridEngineProvider", {}),
    "lsf": ("LSFProvider", {"bsub_redirection": True}),  # without, bsub does not read a script's directives
}
_UNLIMITED = 10 * 365 * 86400.0  # s; a provider requires a walltime, though our script need not contain it


class ClusterConfig(Config):
    """A configuration of Parsl with a high-throughput executor in batch jobs.

    Parameters
    ----------
    request
        Number and description of the batch jobs, which are submitted when a flow first uses the configuration.
    """

    def __init__(self, request: ClusterRequest) -> None:
        if request.scheduler not in PROVIDERS:
            raise UnknownNameError("scheduler for Parsl's workers", request.scheduler, PROVIDERS)
        self._allocation = allocation_of(request, "parsl")
        least, most = request.adapt or (request.jobs, request.jobs)
        name, more = PROVIDERS[request.scheduler]
        kind = getattr(parsl.providers, name)
        walltime, gpus = self._allocation.walltime, [str(gpu) for gpu in range(self._allocation.gpus)]
        provider = type(kind.__name__, (_OwnScript, kind), {})(
            init_blocks=max(least, 1),
            min_blocks=least,
            max_blocks=most,
            walltime=clock(_UNLIMITED if walltime is None else walltime),
            launcher=SimpleLauncher(),
            cmd_timeout=60,
            **more,
        )
        provider.adatom_allocation = self._allocation
        executor = HighThroughputExecutor(
            label="adatom",
            max_workers_per_node=self._allocation.workers,
            cores_per_worker=1e-6,  # `workers` is the limit, not the number of cores
            available_accelerators=shares(gpus, self._allocation.workers) if gpus else (),
            provider=provider,
            drain_period=None if walltime is None else lifetime(walltime)[0],
            launch_cmd=worker_command(self._allocation.python),
            interchange_launch_cmd=interchange_command(),
            heartbeat_period=5,
            heartbeat_threshold=30,  # after this many seconds the workers of a script that was killed end
        )
        super().__init__(
            executors=[executor],
            dependency_resolver=DEEP_DEPENDENCY_RESOLVER,
            strategy="simple",
            strategy_period=2,
            max_idletime=120,
            run_dir=str(log_directory() / "parsl"),
            initialize_logging=False,
        )

    def job_script(self) -> str:
        """Return the script of a batch job; values that are known only after submission stand there in capitals."""
        executor = self.executors[0]
        known = {
            "max_workers_per_node": f"--max_workers_per_node={executor.max_workers_per_node}",
            "debug": "",
            "mem_per_worker": None,
        }
        known |= {"enable_mpi_mode": "", "address_probe_timeout_string": ""}
        known |= {"accelerators": " ".join(executor.available_accelerators)}

        def value(found: re.Match[str]) -> str:
            name = found[1]
            return str(known.get(name, getattr(executor, name, name.upper()) or name.upper()))

        return script(self._allocation, re.sub(r"\{+(\w+)\}+", value, executor.launch_cmd))

    def close(self) -> None:
        """Cancel the batch jobs."""
        from adatom.execution.registry import release

        release(self)

    def __enter__(self) -> ClusterConfig:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


class _OwnScript:
    """A provider whose script has the directives of the request, and no others."""

    adatom_allocation: Allocation
    status_polling_interval = 10  # seconds after which a batch job that has ended is noticed, and replaced

    def _write_submit_script(self, template: str, file: str, name: str, parts: dict[str, Any]) -> None:
        Path(file).write_text(script(self.adatom_allocation, parts["user_script"]))

    def execute_wait(self, cmd: str, timeout: int | None = None) -> tuple[int, str, str]:
        """Run a command of the scheduler; Parsl does not quote the directory of the script."""
        directory = str(self.script_dir or "")  # type: ignore[attr-defined]
        quoted = cmd.replace(directory, shlex.quote(directory)) if directory else cmd
        done: tuple[int, str, str] = super().execute_wait(quoted, timeout)  # type: ignore[misc]
        return done


def script(allocation: Allocation, command: str) -> str:
    """Return the script of a batch job.

    Parameters
    ----------
    allocation
        Batch job with the directives and the setup lines of the script.
    command
        Command line that starts the workers.
    """
    return "\n".join(["#!/bin/bash", *allocation.header, "", *allocation.setup, "", command, ""])
