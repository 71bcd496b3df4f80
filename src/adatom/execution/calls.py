"""Calls of one job as a task."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import Any

from adatom.errors import IncompleteError, WorkerDiedError
from adatom.execution.batching import BatchSize
from adatom.execution.call import Batch, Call, Outcome
from adatom.execution.deadline import stop_reason
from adatom.execution.directories import mark_interrupted
from adatom.execution.dispatcher import Task
from adatom.execution.failure import Failure
from adatom.execution.worker import unpack
from adatom.journal.begun import begun_jobs

__all__ = ["Calls"]

_STARTS = 10  # starts of a job that left nothing to go on from, after which its time is never enough

Settle = Callable[[Any], None]


class Calls(Task):
    """Calls of one job, which one worker runs.

    Parameters
    ----------
    calls
        Each call with the function that takes its outcome: its value or a `Failure`.
    may_go_on
        Function that returns whether there are other workers, where a call that stopped for want of time can go on.
    batch
        Name and batch function of the task, and whether its calls run together, where they travel as a batch; None: it
        is one call.
    size
        Learns what a call of the batch cost.
    """

    def __init__(
        self,
        calls: Sequence[tuple[Call, Settle]],
        may_go_on: Callable[[], bool],
        batch: tuple[str, bytes, bool] | None = None,
        size: BatchSize | None = None,
    ) -> None:
        self._calls, self._may_go_on, self._batch, self._size = calls, may_go_on, batch, size
        self.count = len(calls)
        self._made = time.time()
        self._begun: dict[str, int] = {}

    @property
    def work(self) -> Call | Batch:
        """Call or batch, ready to travel."""
        if self._batch is None:
            return self._calls[0][0]
        name, batch_function, lockstep = self._batch
        return Batch(name, [call for call, _ in self._calls], batch_function, lockstep)

    def begun(self) -> Collection[int] | None:
        """Return the positions of the calls that the journals name as begun and not ended.

        None where that says nothing: without a journal, and for calls that ran side by side, of which one is to blame.
        """
        calls = [call for call, _ in self._calls]
        if not calls[0].journal or (self._batch and self._batch[2] and self.count > 1):
            return None
        self._begun = begun_jobs(calls[0].journal, {call.id for call in calls}, self._made)
        return [place for place, call in enumerate(calls) if self._begun.get(call.id, -1) >= call.attempt]

    def part(self, positions: Sequence[int]) -> Calls:
        """Return a task with some of the calls. A call that had ended runs again in a directory beside the first."""
        task = self._sent_again([self._calls[position] for position in positions])
        task.losses = self.losses
        return task

    def retry(self, position: int, error: WorkerDiedError) -> Calls | None:
        """Return the next attempt of a call; None, after the call has failed, if it has no retries left."""
        call, settle = self._calls[position]
        attempt = self._begun.get(call.id, call.attempt)
        last = attempt >= call.retries
        marked = mark_interrupted(Path(call.directory_of(attempt)), str(error), make=last)
        if last:
            settle(call.failure(error, marked))
            return None
        return self._sent_again([(replace(call, attempt=attempt + 1), settle)])

    def settle(self, result: Any) -> Sequence[Task]:
        """Hand each outcome over, but for those of calls that are to go on in another worker."""
        if isinstance(result, Outcome):
            outcomes = [result.value]
        elif self._batch is None:
            outcomes = [unpack(result)]
        else:
            packed, seconds = unpack(result)
            outcomes = [unpack(one) for one in packed]
            if self._size:
                self._size.learn(self.count, seconds)
        again = []
        for (call, settle), outcome in zip(self._calls, outcomes, strict=True):
            if isinstance(outcome, Failure):
                if self._goes_on(call, outcome):
                    again.append(self._sent_again([(_longer(call, outcome), settle)]))
                    continue
            elif call.caching and not call.noted:
                call.caching.confirm(call.name, outcome)
            settle(outcome)
        self._calls = ()  # the engine may keep this task, and a call leads to its result
        return again

    def fail(self, error: BaseException) -> None:
        """End all calls with the same exception."""
        for call, settle in self._calls:
            settle(Failure.interrupted(call.name) if isinstance(error, CancelledError) else call.failure(error))
        self._calls = ()

    def _goes_on(self, call: Call, failure: Failure) -> bool:
        """Return whether a call that stopped because its worker's time was over is to go on in another worker."""
        if not isinstance(failure.cause, IncompleteError) or not self._may_go_on() or stop_reason() is not None:
            return False
        if call.deadline is None:
            return call.starts < _STARTS or _is_ahead(failure)
        return call.attempt < call.retries

    def _sent_again(self, calls: Sequence[tuple[Call, Settle]]) -> Calls:
        for call, _ in calls:
            call.note("pending", attempt=call.attempt)
        return Calls(calls, self._may_go_on, self._batch if len(calls) > 1 else None)


def _longer(call: Call, failure: Failure) -> Call:
    """Return the next attempt. Where nothing limits the flow, the time of a batch job was over: no retry is used."""
    retries = call.retries if call.deadline else call.retries + 1
    starts = 0 if _is_ahead(failure) else call.starts + 1
    return replace(call, attempt=call.attempt + 1, retries=retries, starts=starts)


def _is_ahead(failure: Failure) -> bool:
    """Return whether a job that stopped for want of time left files to go on from, or was not started at all."""
    return failure.resumable or failure.directory is None
