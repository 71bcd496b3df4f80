"""The embedded engine: this process, or worker processes that it keeps."""

from __future__ import annotations

import queue
import threading
import time
import warnings
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.errors import EngineError, InputError, WorkerDiedError
from adatom.settings import get_settings
from adatom.workflow.child import GRACE, Child
from adatom.workflow.engine import Capabilities, Engine
from adatom.workflow.gpus import visible_gpus
from adatom.workflow.options import UnusedResourceWarning
from adatom.workflow.payload import Batch, Call, Outcome
from adatom.workflow.registry import local_workers
from adatom.workflow.worker import execute, pack

if TYPE_CHECKING:
    from adatom.engines.clusters.request import ClusterRequest

__all__ = ["LocalEngine", "LocalPool"]

_STARTS = 10  # of a worker, in a row, that may be killed before it is up


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
        """How many jobs run at the same time."""
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
        """A pool of worker processes."""
        return LocalPool(workers)

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> LocalPool:
        """A pool of worker processes, as on this machine, with a warning."""
        workers = local_workers()
        warnings.warn(
            f"The local engine runs jobs in {workers} processes of this machine, none in {request.scheduler}: "
            "for that, set ADATOM_WORKFLOW_ENGINE to dask, parsl or prefect.",
            UnusedResourceWarning,
            stacklevel=3,
        )
        return LocalPool(workers)


def _functions(work: Any) -> list[bytes]:
    """What is called by some work, pickled."""
    calls = work.calls[:1] if isinstance(work, Batch) else [work] if isinstance(work, Call) else []
    return [call.function for call in calls]


class _Done:
    """As much of a future as is asked of one that is done: a real one would double the cost of a short job."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def result(self) -> Any:
        return self._value

    def add_done_callback(self, function: Any) -> None:
        function(self)


class LocalPool:
    """Worker processes: started at first use, replaced when they die, ended with this process.

    A standard process pool loses all its jobs with one dead worker and cannot say which job killed it. Here each
    worker has a thread of this process that feeds it, so it is known what a worker was doing.

    Where there are GPUs, each worker sees one of them.

    Parameters
    ----------
    workers
        How many.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._work: queue.SimpleQueue[tuple[Call | Batch, Future[Any]] | None] = queue.SimpleQueue()
        self._children: set[Child] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._stopped = False

    def submit(self, work: Call | Batch) -> Future[Any]:
        """Run a call or a batch in a worker.

        Parameters
        ----------
        work
            What to run.

        Returns
        -------
        concurrent.futures.Future
            What ``pack(work)`` gave, or `WorkerDiedError`.

        Raises
        ------
        EngineError
            The pool is closed.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise EngineError("This pool of worker processes is closed. Make a new one.")
            if len(self._threads) < self.workers:
                gpus, number = visible_gpus(), len(self._threads)
                gpu = gpus[number % len(gpus)] if gpus else None
                thread = threading.Thread(target=self._feed, args=(gpu,), daemon=True)
                self._threads.append(thread)
                thread.start()
        self._work.put((work, future))
        return future

    def _feed(self, gpu: str | None) -> None:
        child: Child | None = None
        while (todo := self._work.get()) is not None:
            work, future = todo
            if child is not None and child.process.poll() is not None:  # while it had nothing to do: no fault of this
                self._end(child)
                child = None
            try:
                child = child or self._ready(gpu, work)
                child.send(work)
                answer = child.receive()
            except WorkerDiedError as error:
                future.set_exception(error)
                if child is not None:
                    self._end(child)
                child = None
            else:
                future.set_result(answer)
        if child is not None:
            self._end(child)

    def _ready(self, gpu: str | None, work: Call | Batch) -> Child:
        """A worker that is up. One that is killed before is replaced: it is not the fault of what waits for it."""
        killed = 0
        while True:
            child = self._start(gpu)
            try:
                child.wait_until_up(*_functions(work))
            except WorkerDiedError:
                killed += 1
                again = child.was_killed and killed < _STARTS
                self._end(child)
                if not again:
                    raise
            else:
                return child

    def _start(self, gpu: str | None) -> Child:
        with self._lock:  # all the while: `close` ends those it finds
            if self._stopped:
                raise WorkerDiedError("the worker process was not started: the pool was stopped")
            try:
                child = Child(beside_others=True, gpu=gpu)
            except OSError as error:
                raise WorkerDiedError(f"no worker process could be started: {error}") from error
            self._children.add(child)
            return child

    def _end(self, child: Child) -> None:
        child.kill()
        with self._lock:
            self._children.discard(child)

    def pids(self) -> set[int]:
        """The process ids of the workers that run."""
        with self._lock:
            return {child.pid for child in self._children}

    def close(self, at_once: bool = False) -> None:
        """End the workers; jobs that run are ended too.

        Parameters
        ----------
        at_once
            Drop the jobs that wait.
        """
        with self._lock:
            self._closed, self._stopped = True, at_once
            threads, children = self._threads, list(self._children)
        if at_once:
            with suppress(queue.Empty):
                while True:
                    waiting = self._work.get_nowait()
                    if waiting and waiting[1].cancel():
                        waiting[1].set_running_or_notify_cancel()  # without it, `concurrent.futures.wait` waits on
            for child in children:
                child.terminate()
        for _ in threads:
            self._work.put(None)
        if at_once:
            end = time.monotonic() + GRACE  # of all together
            for child in children:
                child.stop(max(0.0, end - time.monotonic()))
        for thread in threads:
            thread.join()

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
