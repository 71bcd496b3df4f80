"""A pool of worker processes on this machine."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, NamedTuple

from adatom.errors import EngineError, WorkerDiedError
from adatom.execution.call import Batch, Call
from adatom.execution.gpus import visible_gpus
from adatom.execution.light_future import LightFuture
from adatom.execution.process import GRACE, Child

__all__ = ["LocalPool"]

_STARTS = 10  # of a worker, in a row, that may be killed before it is up


class _Waiting(NamedTuple):
    """Work that waits for a worker, in the order of the first two numbers; without a future, the end of a worker."""

    rank: int
    place: int
    work: Any
    future: Future[Any] | None


class LocalPool:
    """Worker processes: started at first use, replaced when they die, ended with this process.

    A standard process pool loses all its jobs with one dead worker and cannot say which job killed it. Here each
    worker has a thread of this process that feeds it, so the job that a worker was running is known.

    On a machine with GPUs, each worker sees one of them.

    Parameters
    ----------
    workers
        Number of worker processes.

    Attributes
    ----------
    stopped
        Whether the pool was closed at once, before its work was done.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._work: queue.PriorityQueue[_Waiting] = queue.PriorityQueue()
        self._places = itertools.count()
        self._children: set[Child] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self.stopped = False

    def submit(self, work: Call | Batch) -> Future[Any]:
        """Run a call or a batch in a worker.

        Parameters
        ----------
        work
            Call or batch to run.

        Returns
        -------
        concurrent.futures.Future
            Future of the bytes that ``pack(work)`` returned, or of a `WorkerDiedError`.

        Raises
        ------
        EngineError
            The pool is closed.
        """
        future: Future[Any] = LightFuture()
        with self._lock:
            if self._closed:
                raise EngineError("This pool of worker processes is closed. Make a new one.")
            if len(self._threads) < self.workers:
                gpus, number = visible_gpus(), len(self._threads)
                gpu = gpus[number % len(gpus)] if gpus else None
                thread = threading.Thread(target=self._feed, args=(gpu,), daemon=True)
                self._threads.append(thread)
                thread.start()
        self._put(work, future)
        return future

    def _put(self, work: Call | Batch | None, future: Future[Any] | None = None) -> None:
        """Line up work: first what uses results of other work, last the end."""
        rank = 2 if work is None else int(not getattr(work, "waited", False))
        self._work.put(_Waiting(rank, next(self._places), work, future))

    def _feed(self, gpu: str | None) -> None:
        child: Child | None = None
        while (todo := self._work.get()).future is not None:
            work, future = todo.work, todo.future
            if child is not None and child.process.poll() is not None:  # it died idle, which is not this work's fault
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
        """Return a worker that is up. One that is killed while it starts is replaced: the work is not to blame."""
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
        with self._lock:  # held until the child is listed: `close` ends only listed ones
            if self.stopped:
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

    def job_script(self) -> str:
        """Refuse: runners with batch jobs return their script here.

        Raises
        ------
        EngineError
            The workers are processes of this machine.
        """
        raise EngineError(
            "The local engine runs jobs in processes of this machine, and submits no batch job that has a script. For "
            "batch jobs set ADATOM_WORKFLOW_ENGINE to dask, parsl or prefect."
        )

    def pids(self) -> set[int]:
        """Return the process ids of the running workers."""
        with self._lock:
            return {child.pid for child in self._children}

    def close(self, at_once: bool = False) -> None:
        """End the workers, after all work that was submitted or at once.

        Parameters
        ----------
        at_once
            Whether to end the running jobs, and drop those that wait.
        """
        with self._lock:
            self._closed, self.stopped = True, at_once
            threads, children = self._threads, list(self._children)
        if at_once:
            with suppress(queue.Empty):
                while True:
                    waiting = self._work.get_nowait().future
                    if waiting and waiting.cancel():
                        waiting.set_running_or_notify_cancel()  # without it, `concurrent.futures.wait` waits on
            for child in children:
                child.terminate()
        for _ in threads:
            self._put(None)
        if at_once:
            end = time.monotonic() + GRACE  # for all workers together
            for child in children:
                child.stop(max(0.0, end - time.monotonic()))
        for thread in threads:
            thread.join()

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _functions(work: Any) -> list[bytes]:
    """Return the pickled functions that some work calls."""
    calls = work.calls[:1] if isinstance(work, Batch) else [work] if isinstance(work, Call) else []
    return [call.function for call in calls]
