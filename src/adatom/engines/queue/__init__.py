"""Queue: workers in batch jobs that need no port, no server and no driver."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.engines.queue.client import Client
from adatom.engines.queue.runner import QueueRunner
from adatom.errors import InputError
from adatom.execution.call import Batch, Call
from adatom.execution.engine import Capabilities, Engine
from adatom.machines.allocation import job_of_workers
from adatom.machines.profiles.runner import RunnerProfile
from adatom.settings import get_settings

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["QueueEngine"]

# Names of the tasks of the flow that runs here: their answers are kept until it has ended well.
_tasks: ContextVar[set[str] | None] = ContextVar("adatom_queue_tasks", default=None)


class QueueEngine(Engine):
    """Puts jobs into files, which workers in batch jobs take.

    A script may end at any time. Run again, it finds the jobs that it has put there, those that are done and those that
    are not, and puts in no job twice.
    """

    name: ClassVar[str] = "queue"
    runner_type: ClassVar[str] = "a `QueueRunner`, a runner profile, or the name of one"
    capabilities = Capabilities(worthwhile=1.0, outlives_driver=True, sizes_runner=True)
    of_settings = ("local_workers", "queue_profile", "queue_dir")

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        if runner is None:
            made = QueueRunner(get_settings().queue_profile)
        elif isinstance(runner, QueueRunner):
            made = runner
        elif isinstance(runner, str | RunnerProfile):
            made = QueueRunner(runner)
        else:
            raise InputError(f"{runner!r} is no runner of the queue engine: give {self.runner_type}.")
        self._client = Client(made.batch_jobs())
        if self._client.spool.results:
            self.capabilities = replace(self.capabilities, shares_files=False)
        self._interrupted = False

    @property
    def slots(self) -> int:
        """Number of jobs that run at the same time when all batch jobs run."""
        return self._client.batch_jobs.slots

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> Future[Any]:
        """Put a call or batch into the spool; there are no `options` to give."""
        if options:
            raise InputError(f"engine_options={options!r}: the queue engine has no options. Give a runner profile.")
        tasks = _tasks.get()
        name, future = self._client.submit(work, keep=tasks is not None)
        if tasks is not None:
            tasks.add(name)
        return future

    def run_flow(self, name: str, body: Callable[[], Any], options: dict[str, Any]) -> Any:
        """Run the body of a flow. When it has ended well, the answers to its jobs are removed."""
        tasks: set[str] = set()
        token = _tasks.set(tasks)
        well = False
        try:
            value = body()
            well = True
        finally:
            _tasks.reset(token)
            self._client.release(tasks, forget=well)
        return value

    def look_after(self) -> str:
        """Return why no batch job can do the tasks, if that is so."""
        return self._client.broken

    def interrupt(self) -> None:
        """Leave the jobs to their batch jobs, as they do not need this process."""
        self._interrupted = True
        print(
            "queue: jobs that were begun go on in their batch jobs. Run the script again to gather them, or end them "
            "with: adatom queue cancel",
            file=sys.stderr,
        )

    def close(self) -> None:
        """Stop waiting. Batch jobs without tasks end, unless the user pressed Ctrl-C."""
        self._client.close(leave=self._interrupted)

    @classmethod
    def make_runner(cls, workers: int) -> QueueRunner:
        """Return a runner with worker processes on this machine."""
        return QueueRunner(workers=workers)

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> QueueRunner:
        """Return a runner with batch jobs of a profile."""
        request.refuse_temporary()
        if request.profile is None:
            raise InputError("The queue engine needs a runner profile: make_runner(profile=...).")
        if request.adapt and request.adapt[0]:
            raise InputError(
                f"adapt is {request.adapt}: the queue engine submits batch jobs as there is work. Begin with 0."
            )
        runner = QueueRunner(request.profile, jobs=request.adapt[1] if request.adapt else request.jobs)
        job_of_workers(*runner.profiles())  # raises an error where a queue does not give what the profile asks for
        return runner
