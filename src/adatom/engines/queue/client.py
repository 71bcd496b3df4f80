"""The tasks that this process waits for in one spool."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

import cloudpickle

from adatom.engines.queue.batch import BatchJobs
from adatom.engines.queue.mark import Mark
from adatom.engines.queue.needs import needs_of
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.worker import ANSWER, DIED
from adatom.errors import AdatomError, EngineError, SchedulerError, WorkerDiedError
from adatom.execution.call import Batch, Call
from adatom.execution.failure import Failure
from adatom.execution.light_future import LightFuture
from adatom.execution.named_task import CHANGED, calls_of, perform, task_name
from adatom.execution.registry import announce
from adatom.execution.worker import unpack
from adatom.utils.processes import this_process

__all__ = ["Client"]

_PAUSES = (0.01, 1.0, 1.2)  # seconds between two looks for answers: first, at most; their growth
_LOOK = 1.0  # seconds between two looks at batch jobs
_MISSING = 3  # looks at a spool that does not have a task, after which it is put there again


class Client:
    """The tasks that this process waits for in one spool, and the thread that looks for their answers.

    Parameters
    ----------
    batch_jobs
        Batch jobs that do the tasks of the spool.
    """

    def __init__(self, batch_jobs: BatchJobs) -> None:
        self.spool, self.batch_jobs = batch_jobs.spool, batch_jobs
        self._waiting: dict[str, _Task] = {}
        self._names: set[str] = set()  # those that this process uses, also for kept answers
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        with self.spool.room():
            self._mark = Mark(self.spool.path / "drivers")

    @property
    def broken(self) -> str:
        """Reason for which no batch job can do the tasks; empty: there is none."""
        return self.batch_jobs.broken

    def submit(self, work: Call | Batch, keep: bool) -> tuple[str, Future[bytes]]:
        """Put a task into the spool, unless an earlier process has done so.

        Parameters
        ----------
        work
            Call or batch of calls.
        keep
            Whether the answer is kept until `release` is called with the name of the task.

        Returns
        -------
        tuple
            Name of the task, and the future of its answer.
        """
        digest = task_name(work)
        task = _Task(work, digest, keep)
        with self._change:
            name = self._free(digest)
            self._names.add(name)
        self.spool.follow({call.journal for call in calls_of(work) if call.journal})
        try:
            if self.batch_jobs.finds_what_python_finds:
                self.spool.check_modules(work.name, {need for call in calls_of(work) for need in needs_of(call)})
            with self.spool.room(), self.spool.putting(alone=self._mark.is_alone):
                self._mark.use(name)
                if self.spool.has(name) and not self._failed_before(name, work):
                    task.found = True
                    announce(f"queue: jobs of an earlier run, which did not end, are gathered from {self.spool.path}.")
                else:
                    task.put_into(self.spool, name)
        except BaseException:
            with self._change:
                self._names.discard(name)
            raise
        with self._change:
            self._waiting[name] = task
            self._change.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()
        return name, task.future

    def _failed_before(self, name: str, work: Call | Batch) -> bool:
        """Return whether an earlier run received the failure of a task, which is then done again."""
        if not self.spool.keeps(name):
            return False
        answer = self.spool.answer(name, keep=True)
        failed = answer is not None and any(isinstance(outcome, Failure) for outcome in _outcomes(work, answer[1][1:]))
        if failed:
            self.spool.forget_answers([name])
        return failed

    def _free(self, name: str) -> str:
        """Return a name for the first, second ... task with the same work."""
        number = 1
        while f"{name}-{number}" in self._names:
            number += 1
        return f"{name}-{number}"

    def release(self, names: set[str], forget: bool) -> None:
        """Take note that the flow of some tasks has ended.

        Parameters
        ----------
        names
            Names of the tasks.
        forget
            Whether their answers are removed, unless another process uses them. Otherwise the next flow that asks for
            the same work gets them.
        """
        alone = self._mark.release(names)
        if forget:
            self.spool.forget_answers(alone)
        with self._change:
            self._names -= names

    def _look(self) -> None:
        pause, looked = _PAUSES[0], 0.0
        while True:
            with self._change:
                if self._closed:
                    return
                if not self._waiting:
                    self._change.wait(_LOOK)
            received = 0
            try:
                with self.spool.room():
                    self.spool.sync()
                    received = self._receive_all()
                    due = time.monotonic() > looked + _LOOK
                    if received or due:
                        there = self._look_after()
                        if due:
                            self._put_again(there)
                            looked = time.monotonic()
            except Exception as error:  # nobody else would hear of it
                self.batch_jobs.broken = f"{type(error).__name__}: {error}"
            pause = _PAUSES[0] if received else min(_PAUSES[1], pause * _PAUSES[2])
            with self._change:
                if not self._closed:
                    self._change.wait(pause)

    def _receive_all(self) -> int:
        """Hand over the answers that there are, and return their number."""
        with self._change:
            found = {name for name, task in self._waiting.items() if task.found}  # received by an earlier process
            found |= self._waiting.keys() & set(self.spool.answered())
        return sum(map(self._receive, sorted(found)))

    def _look_after(self) -> set[str]:
        """Look after the batch jobs, and return the names of the tasks in the spool."""
        waiting, taken = self.spool.waiting(), self.spool.taken()
        with self._change:
            times = [task.expected for task in self._waiting.values()]
        self.batch_jobs.look_after(len(waiting), taken, sum(times) if all(times) else math.inf)
        return {*waiting, *taken, *self.spool.answered()}

    def _put_again(self, there: set[str]) -> None:
        """Put tasks into the spool that somebody has removed."""
        for name, task in list(self._waiting.items()):
            task.missing = 0 if name in there else task.missing + 1
            task.found = task.found or bool(task.missing and self.spool.keeps(name))  # another process was faster
            if task.missing >= _MISSING and not self.spool.has(name):
                task.put_into(self.spool, name)
                task.missing = 0

    def _receive(self, name: str) -> bool:
        """Hand an answer over, if there is one."""
        task = self._waiting[name]
        try:
            answer = self.spool.answer(name, task.keep)
        except (AdatomError, OSError) as error:
            self._settle(name, error)
            return True
        if answer is None:
            task.found = task.found and self.spool.has(name)
            return False
        kind, content = answer
        changed = kind == ANSWER and content[:1] == CHANGED
        if changed:
            self.spool.forget_answers([name])  # the next run must not take it for one of the code that is in its name
        if task.found and (changed or kind != ANSWER):  # nor does it matter how it ended when nobody waited for it
            task.found = False
            task.put_into(self.spool, name)
        elif kind == ANSWER:
            if task.found:
                _note(task.work, content[1:])
            self._settle(name, content[1:])
        else:
            words = content.decode(errors="replace")
            self._settle(name, WorkerDiedError(words) if kind == DIED else EngineError(words))
        return True

    def _settle(self, name: str, answer: bytes | BaseException) -> None:
        with self._change:
            task = self._waiting.pop(name)
            if isinstance(answer, BaseException) or not task.keep:
                self._names.discard(name)
        with suppress(InvalidStateError):  # this engine was given up meanwhile
            if isinstance(answer, bytes):
                task.future.set_result(answer)
            else:
                task.future.set_exception(answer)

    def close(self, leave: bool) -> None:
        """Stop waiting.

        Parameters
        ----------
        leave
            Whether the tasks are left to the batch jobs. Otherwise those that wait are taken back, and the batch jobs
            end unless there are tasks of other processes.
        """
        with self._change:
            self._closed = True
            self._change.notify()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()
        others = self._mark.others()
        self._mark.remove()
        if not leave:
            for name in self._waiting:
                self.spool.take_back(name)
            if not others and not self.spool.waiting() and not self.spool.taken():
                self.batch_jobs.cancel()
        with suppress(SchedulerError):  # the next process makes it good
            self.spool.sync(at_once=True)


class _Task:
    """Task that this process waits for: its work, and whether an earlier process put it into the spool."""

    def __init__(self, work: Call | Batch, digest: str, keep: bool) -> None:
        self.work, self.digest, self.keep = work, digest, keep
        self.future: Future[bytes] = LightFuture()
        self.found = False
        self.missing = 0

    @cached_property
    def expected(self) -> float:
        """Seconds that the task may take; 0: unknown."""
        times = [call.expected for call in calls_of(self.work)]
        return sum(times) if all(times) else 0.0

    def put_into(self, spool: Spool, name: str) -> None:
        """Let the task wait in a spool."""
        about = {"session": f"{this_process()}", "path": spool.search_path(), "directory": spool.results + os.getcwd()}
        task = (
            json.dumps(about).encode()
            + b"\n"
            + cloudpickle.dumps(partial(perform, self.work, self.digest, spool.results))
        )
        spool.put(name, task, [call.directory for call in calls_of(self.work)])


def _outcomes(work: Call | Batch, answer: bytes) -> list[Any]:
    return [unpack(answer)] if isinstance(work, Call) else [unpack(one) for one in unpack(answer)[0]]


def _note(work: Call | Batch, answer: bytes) -> None:
    """Write into the journal how calls ended whose workers wrote into that of an earlier process."""
    for call, outcome in zip(calls_of(work), _outcomes(work, answer), strict=True):
        if isinstance(outcome, Failure):
            call.note("failed", cause=outcome.in_short)
        else:
            call.note("cached")
