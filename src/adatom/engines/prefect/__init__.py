"""Prefect: a flow is a flow run, a job a task run."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from concurrent.futures import Future as ConcurrentFuture
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.engines.prefect.server import Server, quick_settings
from adatom.errors import EngineError, InputError, JobFailure, MissingExtraError
from adatom.execution.call import Batch, Call, Outcome
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.failure import Failure
from adatom.execution.light_future import LightFuture
from adatom.execution.pool import LocalPool
from adatom.execution.registry import local_workers
from adatom.execution.worker import pack, unpack
from adatom.workflow.future import Future

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest
    from adatom.workflow.flow import Flow

__all__ = ["PrefectEngine"]


class PrefectFuture(Future):
    """A future that ``prefect.futures.wait`` takes, too."""

    __slots__ = ()

    @property
    def _final_state(self) -> None:
        """Final state that Prefect asks for before it waits; None makes it call `wait`."""


class PrefectEngine(Engine):
    """Runs each job as a task run of the flow that calls it.

    Prefect's own default, threads, cannot be stopped and share one interpreter. So without a runner its threads hand
    the jobs to worker processes. With a runner that `make_runner` made for a cluster, the threads hand them to the
    workers there, which need not reach the server. With any other runner, jobs run where the runner says.
    """

    name: ClassVar[str] = "prefect"
    package: ClassVar[str] = "prefect"
    runner_type: ClassVar[str] = "a Prefect task runner"
    capabilities = Capabilities(worthwhile=1.0)  # a task run costs tens of milliseconds
    future_type = PrefectFuture

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        from prefect.events.worker import EventsWorker, should_emit_events
        from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

        if runner is not None and not isinstance(runner, TaskRunner):
            raise InputError(f"{runner!r} is no runner of the prefect engine: give {self.runner_type}.")
        self._server = Server()
        if should_emit_events():  # now, so that at exit it ends after the jobs whose events it sends
            EventsWorker.instance()
        self._pool = LocalPool(local_workers()) if runner is None else getattr(runner, "adatom_pool", None)
        threads = isinstance(runner, ThreadPoolTaskRunner)
        self.capabilities = replace(self.capabilities, processes=not threads)
        self._tasks: dict[Any, Any] = {}
        self._stored: Any = None
        self._outside: Any = None  # task runner for jobs that no flow calls

    def look_after(self) -> str:
        """Start this script's own server again if it died; look whether that of the user's answers."""
        return self._server.look_after()

    @classmethod
    def runs_this(cls) -> bool:
        """Return whether this code is part of a task run."""
        if "prefect" not in sys.modules:
            return False
        from prefect.context import TaskRunContext

        return TaskRunContext.get() is not None

    @property
    def slots(self) -> int:
        """Number of worker processes, or of the runner's own workers."""
        if self._pool:
            return self._pool.workers
        return min(getattr(self.runner, "_max_workers", None) or 4, 64)

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> ConcurrentFuture[Any]:
        """Start a call or batch; `options` go to ``prefect.task``."""
        from prefect.context import FlowRunContext
        from prefect.task_runners import ThreadPoolTaskRunner

        flow = FlowRunContext.get()
        runner = flow.task_runner if flow else self._runner_outside()
        pool = getattr(runner, "adatom_pool", self._pool) if isinstance(runner, ThreadPoolTaskRunner) else None
        task, sealed = self._task(work.name, options, pool is not None), _Sealed(work, pool)
        if flow:
            run = task.submit(sealed)
        else:
            with quick_settings():
                run = runner.submit(task, {"work": sealed})
        future: ConcurrentFuture[Any] = LightFuture()
        run.add_done_callback(lambda run: _settle(future, run, sealed))
        return future

    def _task(self, name: str, options: dict[str, Any], feeds: bool) -> Any:
        key = (name, feeds, tuple(sorted((option, repr(value)) for option, value in options.items())))
        if key not in self._tasks:
            import prefect
            from prefect.cache_policies import NO_CACHE

            quiet = {"cache_policy": NO_CACHE, "persist_result": False, "task_run_name": name.replace("{", "(")}
            function = _feed if feeds else _here
            self._tasks[key] = prefect.task(function, name=name, **{**quiet, **options})
        return self._tasks[key]

    def show_stored(self, name: str) -> None:
        """Show a task run that is done before it starts, in the state that Prefect calls ``Cached``."""
        import prefect
        from prefect.context import FlowRunContext

        if FlowRunContext.get():  # else there is no flow run to show the task run in
            if self._stored is None:
                self._stored = prefect.task(_stored, persist_result=False)
            self._stored.with_options(name=name, task_run_name=name.replace("{", "(")).submit()

    def _runner_outside(self) -> Any:
        if self._outside is None:
            self._outside = self._new_runner().__enter__()
        return self._outside

    def _new_runner(self) -> Any:
        from prefect.task_runners import ThreadPoolTaskRunner

        if self._pool:
            return ThreadPoolTaskRunner(max_workers=2 * self.slots)
        return self.runner.feeder() if hasattr(self.runner, "feeder") else self.runner.duplicate()

    def run_flow(self, name: str, body: Callable[[], Any], options: dict[str, Any]) -> None:
        """Run a flow's body as a flow run; `options` go to ``prefect.flow``."""
        import httpx
        import prefect

        kept, ends = _StaysHere(body), list[BaseException | None]()

        def run() -> None:
            if kept.body:
                try:
                    kept.body()
                except BaseException as error:
                    ends.append(error)
                    raise
                ends.append(None)

        runner = {"task_runner": self._new_runner()}
        try:
            with quick_settings():
                prefect.flow(run, name=name, **{**runner, "validate_parameters": False, **options})()
        except httpx.TransportError as error:
            if not ends:
                raise EngineError(f"Prefect's server does not answer ({error}), so {name} was not run.") from error
            if ends[0]:
                raise ends[0] from None
            warnings.warn(f"Prefect's server does not know that {name} has ended: {error}", stacklevel=2)

    def native(self, function: Any, name: str, options: dict[str, Any]) -> Any:
        """Return a ``prefect.Task``."""
        import prefect

        return prefect.task(function, name=name, **options)

    def native_flow(self, flow: Flow[..., Any]) -> Any:
        """Return a ``prefect.Flow``, to serve or deploy."""
        import prefect

        @wraps(flow.fn)
        def run(*args: Any, **kwargs: Any) -> Any:
            return flow.run_in_place(*args, **kwargs)

        run.__module__, run.__qualname__ = flow.__module__, f"{flow.__qualname__}.native"  # where a worker finds it
        ours = {"task_runner": self._new_runner(), "validate_parameters": False}
        return prefect.flow(run, name=flow.name, **{**ours, **flow.options.engine_options})

    def interrupt(self) -> None:
        """End the jobs that run in this engine's own worker processes."""
        if self._pool and self.runner is None:
            self._pool.close(at_once=True)

    def close(self) -> None:
        """End this engine's own task runner and worker processes, and its part with the server."""
        if self._outside is not None:
            self._outside.__exit__(None, None, None)
            self._outside = None
        if self._pool and self.runner is None:
            self._pool.close()
        self._server.close()

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> Any:
        """Return a ``DaskTaskRunner`` on a cluster of dask-jobqueue."""
        try:
            from adatom.engines.clusters.prefect import ClusterTaskRunner
        except ImportError as error:
            raise MissingExtraError("prefect-dask", "prefect") from error
        return ClusterTaskRunner(request)

    @classmethod
    def make_runner(cls, workers: int) -> Any:
        """Return Prefect's own runner, which has threads."""
        from prefect.task_runners import ThreadPoolTaskRunner

        return ThreadPoolTaskRunner(max_workers=workers)


class _StaysHere:
    """The body of a flow, which cannot travel: some task runners send the flow along with each task."""

    def __init__(self, body: Callable[[], Any] | None = None) -> None:
        self.body = body

    def __reduce__(self) -> Any:
        return _StaysHere, ()


class _Sealed:
    """Work in which Prefect does not look for futures of its own, as it does in dataclasses.

    Attributes
    ----------
    work
        Call or batch to run.
    pool
        Workers to which a thread of Prefect's hands the work; None: it runs where the task runs.
    packed
        Result of `pack`, if the work ran in this process: reading it from Prefect's state costs more than a short job.
    """

    def __init__(self, work: Call | Batch, pool: Any = None) -> None:
        self.work, self.pool = work, pool
        self.packed: bytes | None = None


def _here(work: _Sealed) -> bytes:
    return _checked(work, pack(work.work))


def _stored() -> Any:
    from prefect.states import Completed

    return Completed(name="Cached", message="the result is stored")


def _feed(work: _Sealed) -> Any:
    """Hand the work to a worker process and wait."""
    try:
        packed = work.pool.submit(work.work).result()
    except Exception:
        if not work.pool.stopped:
            raise
        from prefect.states import Cancelled

        return Cancelled(message="the flow was interrupted")  # a failure would be shown with its traceback
    return _checked(work, packed)


def _checked(work: _Sealed, packed: bytes) -> bytes:
    """Raise a job's failure, so that Prefect shows a failed task run."""
    work.packed = packed
    if isinstance(work.work, Call):
        outcome = unpack(packed)
        if isinstance(outcome, Failure):
            raise _Failed(outcome) from outcome.cause
    return packed


class _Failed(JobFailure):
    """The failure of a job in few words, as Prefect prints them three times, and the traceback besides."""

    def __str__(self) -> str:
        return self.failure.describe(short=True)


def _settle(future: ConcurrentFuture[Any], run: Any, sealed: _Sealed) -> None:
    try:
        run.wait()
        done = sealed.packed is not None and run.state.is_completed()
        outcome = sealed.packed if done else run.result(raise_on_failure=False)
    except BaseException as error:
        outcome = error
    with suppress(InvalidStateError):  # the engine was given up meanwhile
        if isinstance(outcome, JobFailure):
            future.set_result(Outcome(outcome.failure))
        elif isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
