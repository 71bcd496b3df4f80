"""Parsl: the user's kernel or configuration, or a high-throughput executor on this machine."""

from __future__ import annotations

import os
import pickle
import shlex
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.errors import EngineError, InputError, WorkerDiedError
from adatom.execution.call import Batch, Call, Outcome
from adatom.execution.cleanup import guarded
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.light_future import LightFuture
from adatom.execution.registry import announce, local_workers
from adatom.execution.worker import execute, pack

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["ParslEngine"]

_BLOCKS = 10  # processes that start workers on this machine, each after the one before has died
_LONGEST = 70  # characters of a directory in which the name of a socket has room
_LOSSES = 3  # of batch jobs, at their walltime or with their node, that cost a job no retry


class ParslEngine(Engine):
    """Sends each job to a Parsl executor."""

    name: ClassVar[str] = "parsl"
    package: ClassVar[str] = "parsl"
    runner_type: ClassVar[str] = "a `parsl.Config` or a `DataFlowKernel`"
    capabilities = Capabilities()

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        from parsl import Config, DataFlowKernel
        from parsl.dataflow.dflow import DataFlowKernelLoader
        from parsl.errors import NoDataFlowKernelError
        from parsl.executors import ThreadPoolExecutor

        from adatom.engines.clusters.htex import limit_waits

        self._apps: dict[tuple[str, str], Any] = {}
        self._own = True
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        if isinstance(runner, DataFlowKernel):
            self._kernel, self._own = runner, False
        elif hasattr(runner, "job_script"):
            with guarded() as guard:  # else workers in batch jobs do not notice the end of a script that was killed
                self._kernel = DataFlowKernel(runner)
                guard(runner.executors[0].interchange_proc.pid)
        elif isinstance(runner, Config):
            self._kernel = DataFlowKernel(runner)
        elif runner is None:
            try:
                self._kernel, self._own = DataFlowKernelLoader.dfk(), False
            except NoDataFlowKernelError:
                workers = local_workers()
                config = self.make_runner(workers)
                self._directory = config.adatom_directory
                with guarded(config.run_dir) as guard:
                    self._kernel = DataFlowKernel(config)
                    guard(config.executors[0].interchange_proc.pid)
                    provider = config.executors[0].provider
                    while not provider.resources:  # a thread of Parsl's starts the workers
                        time.sleep(0.01)
                announce(f"parsl: started {workers} worker processes on this machine; they end with this script.")
        else:
            raise InputError(f"{runner!r} is no runner of the parsl engine: give {self.runner_type}.")
        threads = any(isinstance(executor, ThreadPoolExecutor) for executor in self._kernel.config.executors)
        self.capabilities = replace(self.capabilities, processes=not threads)
        for executor in self._helped():
            limit_waits(executor)

    def _helped(self) -> list[Any]:
        """Return the executors that have an interchange."""
        return [one for one in self._kernel.executors.values() if getattr(one, "interchange_proc", None)]

    def look_after(self) -> str:
        """Look whether the interchanges live, and start the workers of this script again if they died together."""
        for executor in self._helped():
            if executor.interchange_proc.poll() is not None:
                return f"Parsl's interchange (process {executor.interchange_proc.pid}) died. Run this script again."
        if self._directory and self._own:
            [executor] = self._helped()
            blocks = list(executor.status_facade.values())
            if blocks and all(block.terminal for block in blocks):
                if len(blocks) == _BLOCKS:
                    return f"Parsl's workers ended {_BLOCKS} times, the last time so: {blocks[-1].stderr_summary}"
                executor.scale_out_facade(1)
        return ""

    @property
    def slots(self) -> int:
        """Number of workers of all executors, as far as the executors tell it."""
        return max(1, sum(_workers(executor) for executor in self._kernel.config.executors))

    @classmethod
    def runs_this(cls) -> bool:
        """Return whether this code is part of an app, on a worker or in a thread of this process."""
        if "PARSL_WORKER_RANK" in os.environ:
            return True
        if "parsl" not in sys.modules:
            return False
        from parsl.dataflow.dflow import DataFlowKernelLoader

        kernel = DataFlowKernelLoader._dfk  # without one, `dfk()` raises
        executors = kernel.executors.values() if kernel else ()
        pools = [getattr(executor, "executor", None) for executor in executors]
        return any(threading.current_thread() in getattr(pool, "_threads", ()) for pool in pools)

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> Future[Any]:
        """Start a call or batch; `options` go to ``python_app``."""
        import parsl

        key = (work.name, repr(options))
        if key not in self._apps:  # one app for all calls of a job, as making it costs more than a call
            self._apps[key] = parsl.python_app(_Task(work.name), data_flow_kernel=self._kernel, **options)
        future: Future[Any] = LightFuture()
        # Parsl pickles in Python, object by object: bytes are one object.
        sent = pickle.dumps(work) if self.capabilities.processes else work
        self._send(self._apps[key], sent, future, _LOSSES if hasattr(self.runner, "job_script") else 0)
        return future

    def _send(self, app: Any, work: Call | Batch | bytes, future: Future[Any], losses: int) -> None:
        from parsl.executors.high_throughput.errors import ManagerLost

        def done(task: Any) -> None:
            if losses and isinstance(task.exception(), ManagerLost):
                self._send(app, work, future, losses - 1)
            else:
                _settle(future, task)

        app(work).add_done_callback(done)

    def give_up(self, reason: str) -> None:
        """Fail all work, that of Parsl's users too."""
        super().give_up(reason)
        for executor in self._helped():
            executor.set_bad_state_and_fail_all(EngineError(reason))

    def native(self, function: Any, name: str, options: dict[str, Any]) -> Any:
        """Return a ``parsl.python_app``."""
        import parsl

        return parsl.python_app(function, data_flow_kernel=self._kernel, **options)

    def close(self) -> None:
        """End the kernel, if it is this engine's."""
        if self._own:
            if self.lost:
                from adatom.engines.clusters.htex import abandon

                abandon(self._kernel)
            else:
                self._kernel.cleanup()
            self._own = False
        if self._directory:
            self._directory.cleanup()

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> Any:
        """Return a configuration with a high-throughput executor in batch jobs."""
        from adatom.engines.clusters.parsl import ClusterConfig

        request.refuse_temporary()
        return ClusterConfig(request)

    @classmethod
    def make_runner(cls, workers: int) -> Any:
        """Return a configuration with a high-throughput executor on this machine."""
        from parsl import Config
        from parsl.executors import HighThroughputExecutor
        from parsl.providers import LocalProvider

        from adatom.engines.clusters.htex import interchange_command, worker_command

        directory = tempfile.TemporaryDirectory(prefix="adatom-parsl-", ignore_cleanup_errors=True)
        # As in the workers of all engines: one thread each, unless the user says otherwise.
        setup = ["export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}"]
        if len(directory.name) < _LONGEST:  # Parsl leaves sockets of its workers there
            setup.append(f"export TMPDIR={shlex.quote(directory.name)}")
        executor = HighThroughputExecutor(
            label="adatom",
            address="127.0.0.1",
            max_workers_per_node=workers,
            prefetch_capacity=workers,  # the next task is there when one ends: no round trip to this process
            cores_per_worker=1e-6,  # `workers` is the limit, not the number of cores
            provider=LocalProvider(init_blocks=1, max_blocks=1, worker_init="; ".join(setup)),
            launch_cmd=worker_command(),
            interchange_launch_cmd=interchange_command(),
            heartbeat_period=2,
            heartbeat_threshold=10,  # after this many seconds the workers of a script that was killed end
            block_error_handler=False,  # workers that ended are started again: `look_after`
        )
        config = Config(
            executors=[executor],
            strategy="none",
            strategy_period=0.1,
            run_dir=directory.name,
            initialize_logging=False,
        )
        config.adatom_directory = directory  # removed with the configuration
        return config


class _Task:
    """`pack` under the name that Parsl is to show.

    A call that runs in a thread of this process has its outcome handed over as it is, not pickled.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._home = os.getpid(), socket.gethostname()

    @property
    def __name__(self) -> str:  # in the instance's own dictionary, dill would take it for a module's and import that
        return self._name

    def __call__(self, sent: Call | Batch | bytes) -> bytes | Outcome:
        work: Call | Batch = pickle.loads(sent) if isinstance(sent, bytes) else sent
        if isinstance(work, Call) and self._home == (os.getpid(), socket.gethostname()):
            return Outcome(execute(work))
        _send_last_result()
        return pack(work)


def _send_last_result() -> None:
    """Wait until the result of the task before this one has left the worker.

    A worker of the high-throughput executor has a thread that sends results, and takes its next task meanwhile. If that
    task killed the worker now, Parsl would wait for the result forever, or other workers for the lock of the pipe.
    Parsl offers no way to flush, but the thread has sent all results when it waits for more.
    """
    frame = sys._getframe()
    while frame and frame.f_code.co_name != "worker":
        frame = frame.f_back  # type: ignore[assignment]
    results = frame.f_locals.get("result_queue") if frame else None
    if getattr(results, "_thread", None) is None:  # another executor, or this worker's first task
        return
    deadline = time.monotonic() + 5
    while (results._buffer or not results._notempty._waiters) and time.monotonic() < deadline:  # type: ignore[union-attr]
        time.sleep(1e-4)


def _settle(future: Future[Any], task: Any) -> None:
    from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

    error = task.exception()
    with suppress(InvalidStateError):  # the engine was given up meanwhile
        if error is None:
            future.set_result(task.result())
        elif isinstance(error, WorkerLost | ManagerLost):
            future.set_exception(WorkerDiedError(str(error)))
        else:
            future.set_exception(error)


def _workers(executor: Any) -> int:
    threads = getattr(executor, "max_threads", None)
    if threads is not None:
        return int(threads)
    blocks = getattr(getattr(executor, "provider", None), "max_blocks", 1)
    per_node = getattr(executor, "max_workers_per_node", 1)
    nodes = getattr(getattr(executor, "provider", None), "nodes_per_block", 1)
    return int(min(per_node, 10**6 if per_node != float("inf") else os.cpu_count() or 1) * nodes * blocks)
