"""A stream of items through an engine: in parts, in order, and with few of them in memory."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import cloudpickle

from adatom.configs.columns import unpack
from adatom.configs.handle import Handle
from adatom.configs.operation import Operation
from adatom.configs.part import Part, gather, run_part
from adatom.configs.shared_calculators import ItemPacker as Attached
from adatom.configs.singly import Singly
from adatom.errors import AdatomError, IncompleteError, InputError, WorkerDiedError
from adatom.execution.call import Call, Outcome, header, pack_function
from adatom.execution.deadline import is_limited, stop_reason
from adatom.execution.engine import Engine
from adatom.execution.failure import Failure
from adatom.execution.observer import current_observer
from adatom.execution.worker import unpack as read_result
from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name

__all__ = ["Batch", "Stream"]

_GROWTH = 8  # of a batch against the one before, as an item may be an odd one
_MOST = 64 * 2**20  # bytes of items and results that may wait for those before them
_LONG = 100_000  # bytes of an operation, or of a calculator, from which it goes by a file


@dataclass
class Batch:
    """Items that travel together.

    Attributes
    ----------
    numbers
        Of the items, in the whole stream.
    data
        The items, packed.
    extra
        What the caller knows of each item, and wants back.
    part
        What came of them, once it is known.
    singly
        Its items, where they go one by one.
    """

    numbers: list[int]
    data: bytes
    extra: list[Any]
    part: Part | None = None
    singly: Singly | None = None


class Stream:
    """Works on a stream of items.

    Parameters
    ----------
    engine
        Who runs it.
    operation
        What is done to each item.
    identity
        What says whether two operations are the same: their items are taken to cost the same.
    most
        Items in a batch, at most; None: as many as make it worth its while.
    end
        When, as `time.monotonic` says, no more is started; None: never.
    """

    def __init__(
        self,
        engine: Engine,
        operation: Operation,
        identity: str,
        most: int | None = None,
        end: float | None = None,
    ) -> None:
        self._engine, self._operation, self._most, self._end = engine, operation, most, end
        self._directory = str(get_settings().results_dir / unique_name("MAP", operation.name, stamp()))
        self._handles: list[Handle] = []
        self._attached = Attached(self._handle_of if operation.calculators else None)
        self._aim = engine.capabilities.worthwhile
        self._key = (operation.name, identity)
        self._cost = self._aim
        if end is None and not is_limited():  # else a batch too long, as these items may be larger, would do harm
            self._cost = engine.item_costs.get(self._key, self._aim)
        self._size = max(1.0, self._aim / self._cost / _GROWTH)
        self._measured = self._came_back = False
        self._bytes = 0
        self._observer = current_observer()
        self._unreadable: Exception | None = None
        self._ended: SimpleQueue[tuple[Batch, int | None, Any]] = SimpleQueue()
        self.stopped: str | None = None  # why it did not come to its end

    def run(self, items: Iterator[tuple[int, Any, Any]], consume: Callable[[Batch], None]) -> None:
        """Work on all items.

        Parameters
        ----------
        items
            Number, item, and what the caller knows of it.
        consume
            Called with each batch, in order, in this thread.

        Raises
        ------
        AdatomError
            No worker can do it.
        """
        self._handle = self._make_handle()
        self._call = Call(
            self._operation.name,
            self._directory,
            header(),
            pack_function("map", run_part),
            b"",
            self._engine.name,
            noted=True,
        )
        most_running = 2 * self._engine.slots if self._engine.capabilities.concurrent else 1
        waiting: deque[Batch] = deque()  # in order
        running = 0
        try:
            while True:
                while running < most_running and (self._bytes < _MOST or not running):
                    batch = self._next(items)
                    if batch is None:
                        break
                    waiting.append(batch)
                    running += 1
                    self._submit(batch)
                if not running:
                    break
                running -= self._settle(*self._ended.get())
                while waiting and waiting[0].part is not None:
                    batch = waiting.popleft()
                    self._bytes -= _weight(batch)
                    consume(batch)
            if self._unreadable is not None:
                raise self._unreadable
        finally:
            for batch in waiting:
                if batch.singly is not None:
                    batch.singly.forget()
            for handle in self._handles:
                handle.forget()
                if handle.path:
                    Path(handle.path).unlink(missing_ok=True)

    def _make_handle(self) -> Handle:
        if self._engine.capabilities.concurrent:
            return self._ready(Handle.packed(self._operation, self._operation.name))
        return self._ready(Handle.here(self._operation))

    def _handle_of(self, calculator: Any) -> Handle:
        return self._ready(Handle.packed(calculator, f"The {type(calculator).__name__} of a structure"))

    def _ready(self, handle: Handle) -> Handle:
        """A handle that may be sent with each batch; what is long goes by a file."""
        if handle.data is not None and len(handle.data) > _LONG:
            file = Path(f"{self._directory}.{handle.key}").absolute()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(handle.data)
            handle = Handle(handle.key, path=str(file))
        self._handles.append(handle)
        return handle

    def _pack(self, numbers: Sequence[int], items: Sequence[Any]) -> bytes:
        try:
            return self._attached.pack(items)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{self._operation.name}: structures {numbers[0]} to {numbers[-1]} cannot be sent to workers: {error}. "
                "Keep plain data in atoms.info, and give the function its calculator: as (constructor, args, kwargs), "
                "or by name."
            ) from error

    def _stop(self) -> str | None:
        next_one = self._cost * self._size if self._measured else 0.0
        if self._end is not None and time.monotonic() + next_one > self._end:
            return "its time budget is over"
        return stop_reason(next_one)

    def _next(self, items: Iterator[tuple[int, Any, Any]]) -> Batch | None:
        """The next items; None if there are no more, or none are to be started."""
        if self.stopped or self._unreadable:
            return None
        size = min(max(1, int(self._size)), self._most or sys.maxsize)
        taken: list[tuple[int, Any, Any]] = []
        try:
            for item in items:
                if not taken:
                    self.stopped = self._stop()
                if self.stopped:  # and this one is left, so that it is known that there are some
                    break
                taken.append(item)
                if len(taken) == size:
                    break
        except Exception as error:  # raised when those before are done
            self._unreadable = error
        if not taken:
            return None
        numbers, given, extra = zip(*taken, strict=True)
        return Batch(list(numbers), self._pack(numbers, given), list(extra))

    def tell(self, event: str, count: int) -> None:
        """Tell the observer, if there is one, what became of some items.

        Parameters
        ----------
        event
            As of `adatom.workflow.scope.Scope.tell`.
        count
            How many.
        """
        if self._observer and count:
            self._observer(self._operation.name, event, count)

    def _submit(self, batch: Batch) -> None:
        self.tell("started", len(batch.numbers))
        self._bytes += len(batch.data)
        self._send(batch, None, batch.numbers, batch.data)

    def _send(self, batch: Batch, place: int | None, numbers: Sequence[int], data: bytes) -> None:
        begun = None if place is None or batch.singly is None else batch.singly.mark(place)
        call = _with_arguments(self._call, (self._handle, numbers, data, self._directory, begun))
        future = self._engine.submit(call, {})
        future.add_done_callback(lambda future: self._ended.put((batch, place, future)))

    def _settle(self, batch: Batch, place: int | None, future: Any) -> int:
        """Take in what came of a batch, or of one item of it; 1 if the batch is done."""
        part: Part | Failure
        try:
            given = future.result()
            part = given.value if isinstance(given, Outcome) else read_result(given)
        except WorkerDiedError as error:
            return self._again(batch, place, error)
        failures = [part] if isinstance(part, Failure) else list(part.failures.values())
        incomplete = [failure for failure in failures if isinstance(failure.cause, IncompleteError)]
        if incomplete:  # its worker has no more time: this batch, and what comes after it, is left
            self.stopped = incomplete[0].message.rstrip(".")
            return self._take(batch, place, None)
        if isinstance(part, Failure):  # of all items alike: the operation cannot be had there
            raise AdatomError(f"{self._operation.name} cannot run: {part.in_short}") from part.cause
        self._came_back = True
        return self._take(batch, place, part)

    def _take(self, batch: Batch, place: int | None, part: Part | None) -> int:
        """Take in what came of a batch, or of one item of it; None: there was no time for it."""
        if place is not None and batch.singly is not None:
            batch.singly.end(place, part)
            if batch.singly.left:
                return 0
            part = batch.singly.whole()
        elif part is not None:
            self._learn(len(batch.numbers), part.seconds)
        if part is not None:
            batch.part, failed = part, len(part.failures)
            self.tell("failed", failed)
            self.tell("done", len(batch.numbers) - failed)
            self._bytes += _weight(batch) - len(batch.data)
        return 1

    def _learn(self, count: int, seconds: float) -> None:
        self._measured = True
        self._cost = self._engine.item_costs[self._key] = max(seconds / count, 1e-7)
        self._size = max(1.0, min(self._aim / self._cost, _GROWTH * self._size))

    def _again(self, batch: Batch, place: int | None, error: WorkerDiedError) -> int:
        """After a worker ended: each item alone, or one of them again."""
        if place is None or batch.singly is None:
            marks = [Path(f"{self._directory}.begun-{number}").absolute() for number in batch.numbers]
            batch.singly = Singly(unpack(batch.data), marks)
            for each in range(len(batch.numbers)):
                self._send_one(batch.singly, batch, each)
            return 0
        if not batch.singly.worker_ended(place):
            self._send_one(batch.singly, batch, place)
            return 0
        if not (self._came_back or batch.singly.was_begun(place)):
            raise AdatomError(
                f"{self._operation.name} cannot run: {batch.singly.ends[place]} workers ended before they had begun "
                f"with a structure. Of the last, {error}. Does what it needs crash when it is imported?"
            ) from error
        item, failure = batch.singly.items[place], Failure.of(error, self._operation.name, None)
        return self._take(batch, place, gather(self._operation, [failure], lambda _: item))

    def _send_one(self, singly: Singly, batch: Batch, place: int) -> None:
        number = [batch.numbers[place]]
        self._send(batch, place, number, self._pack(number, [singly.items[place]]))


def _with_arguments(call: Call, args: tuple[Any, ...]) -> Call:
    values = {**vars(call), "arguments": cloudpickle.dumps((args, {}))}
    return Call(**values)


def _weight(batch: Batch) -> int:
    output = batch.part.output if batch.part else b""
    return len(batch.data) + (len(output) if isinstance(output, bytes) else sum(map(len, output)))
