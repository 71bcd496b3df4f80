"""An engine that starts a new interpreter for each job."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ClassVar

from adatom.errors import InputError
from adatom.execution.call import Batch, Call
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.process import Child
from adatom.execution.registry import local_workers


class ProcessEngine(Engine):
    """A process for each job; a thread waits for it."""

    name: ClassVar[str] = "process"
    runner_type: ClassVar[str] = "a number of processes"
    capabilities = Capabilities(many_jobs=False)  # a new interpreter costs some 0.3 s

    def __init__(self, runner: int | None = None) -> None:
        super().__init__(runner)
        self._threads = ThreadPoolExecutor(self.slots)
        self._children: set[Child] = set()

    @property
    def slots(self) -> int:
        return self.runner or local_workers()

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> Future[bytes]:
        if options:
            raise InputError(f"engine_options={options!r}: the process engine has no options.")
        return self._threads.submit(self._run, work)

    def _run(self, work: Call | Batch) -> bytes:
        child = Child()
        self._children.add(child)
        try:
            child.send(work)
            return child.receive()  # or WorkerDiedError
        finally:
            child.kill()
            self._children.discard(child)

    def interrupt(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in list(self._children):
            child.stop()

    def close(self) -> None:
        self._threads.shutdown()

    @classmethod
    def make_runner(cls, workers: int) -> int:
        return workers
