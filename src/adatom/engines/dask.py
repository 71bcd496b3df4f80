"""Dask: the user's client or cluster, or worker processes on this machine."""

from __future__ import annotations

import os
import queue
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.errors import EngineError, InputError, WorkerDiedError
from adatom.execution.call import Batch, Call
from adatom.execution.cleanup import guarded
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.light_future import LightFuture
from adatom.execution.registry import announce, local_workers
from adatom.execution.worker import pack

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["DaskEngine"]

_Ended = tuple[Any, Future[Any], Callable[[], None]]  # Dask's future, ours, and what sends the task again


class DaskEngine(Engine):
    """Sends each job to a Dask scheduler."""

    name: ClassVar[str] = "dask"
    package: ClassVar[str] = "distributed"
    runner_type: ClassVar[str] = "a Dask client, cluster, or scheduler address"
    capabilities = Capabilities(worthwhile=0.5)  # the scheduler is in this process, and takes its time from it

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        from distributed import Client, get_client

        self._cluster = None
        self._own_client = True
        if isinstance(runner, Client):
            self._client, self._own_client = runner, False
        elif runner is None:
            try:
                self._client, self._own_client = get_client(), False
            except ValueError:  # there is none
                workers = local_workers()
                self._cluster = self.make_runner(workers)
                self._client = Client(self._cluster, set_as_default=False)
                announce(f"dask: started {workers} worker processes on this machine; they end with this script.")
        elif isinstance(runner, str) or hasattr(runner, "scheduler_address"):
            self._client = Client(runner, set_as_default=False)
        else:
            raise InputError(f"{runner!r} is no runner of the dask engine: give {self.runner_type}.")
        self._unreachable = f"The Dask scheduler at {self._client.scheduler.address} cannot be reached. Does it run?"
        self.capabilities = replace(self.capabilities, processes=self._processes())
        self._ledger = getattr(runner or self._cluster, "adatom_ledger", None)
        self._ended: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        threading.Thread(target=self._collect, daemon=True).start()
        if hasattr(runner, "adatom_request"):
            runner.start()
            runner.on_broken(lambda why: self.give_up(f"There are no workers: {why}"))

    def look_after(self) -> str:
        """Look whether the scheduler can be reached and, of this engine's own workers, one lives."""
        if self._client.status not in ("running", "newly-created"):
            return self._unreachable
        if cluster := self._cluster:
            nannies = [worker.process for worker in list(cluster.workers.values())]
            if nannies and all(nanny is None or nanny.returncode is not None for nanny in nannies):
                return f"All {len(nannies)} Dask workers of this script died. Run it again."
        return ""

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
        # The dashboard shows the part of the key before the last dash.
        key = f"{work.name}-{os.urandom(8).hex()}"
        future: Future[Any] = LightFuture()
        rank = {"priority": 1} if getattr(work, "waited", False) and "priority" not in options else {}

        self._send(
            future, partial(self._client.submit, _pack, work, key, self._ledger, key=key, pure=False, **rank, **options)
        )
        return future

    def _send(self, future: Future[Any], submit: Callable[[], Any]) -> None:
        from distributed.client import done_callback

        task = submit()
        # `Future.add_done_callback` does the same in a thread pool, which has ended before the script's last jobs.
        again = partial(self._send, future, submit)
        self._client.loop.add_callback(done_callback, task, lambda task: self._ended.put((task, future, again)))

    def _collect(self) -> None:
        """Fetch results in groups: one at a time would cost a round trip to the scheduler each."""
        while (first := self._ended.get()) is not None:
            ended = [first]
            while not self._ended.empty():
                more = self._ended.get()
                if more is None:
                    break
                ended.append(more)
            self._fetch(ended)
            del first, ended  # Dask keeps a result that somebody holds, and computes it again after a worker's death
            more = None

    def _fetch(self, ended: list[_Ended]) -> None:
        good = [task for task, _, _ in ended if task.status == "finished"]
        try:
            values = dict(zip((task.key for task in good), self._client.gather(good), strict=True))
        except Exception:  # a worker died while it held a result: one by one, so that only those are lost
            values = {}
        for task, future, send in ended:
            with suppress(InvalidStateError):  # this engine was given up meanwhile
                if task.key in values:
                    future.set_result(values[task.key])
                else:
                    self._settle(task, future, send)

    def _settle(self, task: Any, future: Future[Any], send: Callable[[], None]) -> None:
        from distributed import KilledWorker

        try:
            future.set_result(task.result())
        except KilledWorker as error:
            if self._ledger and not _was_running(task.key, self._ledger):
                task.release()
                send()
            else:
                future.set_exception(WorkerDiedError(f"the Dask worker {error.last_worker.address} died"))
        except CancelledError:
            future.set_exception(EngineError(self._unreachable))
        except BaseException as error:
            future.set_exception(error)

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
        self._ended.put(None)
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


def _pack(work: Call | Batch, key: str, ledger: str | None) -> bytes:
    """Run `pack`, with a note of the task that this worker runs.

    When a worker dies, Dask also blames the tasks that waited in its queue. The note tells which one was running.
    """
    if ledger is None:
        return pack(work)
    note = f"{ledger}/{socket.gethostname()}-{os.getpid()}.running"
    with open(note, "w") as file:
        file.write(key)
    packed = pack(work)
    os.truncate(note, 0)
    return packed


def _was_running(key: str, ledger: str) -> bool:
    return any(note.read_text() == key for note in Path(ledger).glob("*.running"))
