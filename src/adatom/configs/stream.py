"""A stream of items through an engine: in batches, in order, and with few of them in memory."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from adatom.configs.columns import unpack
from adatom.configs.handle import Handle
from adatom.configs.operation import Operation
from adatom.configs.part import Part, gather, is_incomplete, run_part
from adatom.configs.pieces import Batch, Piece, Route
from adatom.configs.shared_calculators import ItemPacker
from adatom.configs.shared_file import SharedFile
from adatom.errors import AdatomError, InputError, WorkerDiedError
from adatom.execution.batching import BatchSize
from adatom.execution.call import Call, Outcome, header, pack_function
from adatom.execution.deadline import is_limited, stop_reason
from adatom.execution.dispatcher import Dispatcher
from adatom.execution.engine import Engine
from adatom.execution.failure import Failure
from adatom.execution.observer import current_observer
from adatom.execution.worker import unpack as read_result
from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name

__all__ = ["Batch", "Stream"]

_MOST = 64 * 2**20  # bytes of items and results that may wait for those before them
_LONG = 100_000  # bytes of an operation, or of a calculator, from which it goes by a file
_STARTS = 10  # starts of an item whose batch jobs have no time for it, after which there never is enough

Item = tuple[int, Any, Any]
"""Number of an item in the stream, the item, and data of the caller's."""


class Stream:
    """Apply an operation to a stream of items.

    Parameters
    ----------
    engine
        Engine that runs it.
    operation
        Operation on each item.
    identity
        Text that two operations share if their items cost the same.
    most
        Largest number of items in a batch; None: as many as make a task worth its cost.
    end
        Time, by `time.monotonic`, after which no batch is started; None: no limit.

    Attributes
    ----------
    stopped
        Reason why the stream did not come to its end; None if it did.
    left_running
        Whether work goes on because the wait was over.
    """

    def __init__(
        self,
        engine: Engine,
        operation: Operation,
        identity: str,
        most: int | None = None,
        end: float | None = None,
    ) -> None:
        self._engine, self._operation, self._most, self._end = engine, operation, most or sys.maxsize, end
        self._identity = identity
        self._fixed: int | None = None
        self._wait: float | None = None
        self._directory = self._home(stamp())
        self._handles: list[Handle] = []
        self._files: list[SharedFile] = []
        self._packer = ItemPacker(self._handle_of if operation.calculators else None)
        self._size = BatchSize(engine, (operation.name, identity), known=end is None and not is_limited())
        self._came_back = False
        self._bytes = 0
        self._observer = current_observer()
        self._unreadable: Exception | None = None
        self._answers: SimpleQueue[tuple[Piece, Any]] = SimpleQueue()
        self._over = False
        self._made: Path | None = None  # for marks alone
        self.stopped: str | None = None
        self.left_running = False

    def _home(self, *words: str, identity: str | None = None) -> str:
        name = unique_name("MAP", self._operation.name, *words, identity=identity)
        return str((get_settings().results_dir / name).absolute())

    def sends_jobs(self, size: int, wait: float | None) -> None:
        """Make all batches such that another process makes the same ones, which the engine then finds.

        Parameters
        ----------
        size
            Number of items in a batch, regardless of what they cost.
        wait
            Seconds to wait for the outcomes of all batches; None: no limit.
        """
        self._fixed, self._wait = size, wait
        self._directory = self._home(identity=self._identity[:12])

    def run(self, items: Iterator[Item], consume: Callable[[Batch], None]) -> None:
        """Work on all items.

        Parameters
        ----------
        items
            Items with their numbers, and data of the caller's.
        consume
            Function that is called with each batch, in order, in this thread.

        Raises
        ------
        AdatomError
            No worker can apply the operation.
        """
        can = self._engine.capabilities
        most_running = 2 * self._engine.slots if can.concurrent else 1
        dispatcher, route = Dispatcher(self._engine, lambda: self._over), self._route()
        deadline = None if self._wait is None else time.monotonic() + self._wait
        well = False
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
                    self.tell("started", len(batch.numbers))
                    self._bytes += len(batch.data)
                    dispatcher.send(Piece(batch, range(len(batch.numbers)), route, self._operation.restarts), {})
                if not running:
                    break
                try:
                    piece, answer = self._answers.get(timeout=deadline and max(0.0, deadline - time.monotonic()))
                except Empty:
                    self.stopped = f"the {self._wait:g} s for which it was to wait are over, and its jobs go on"
                    self.left_running = True
                    return
                running -= self._take(piece, answer, dispatcher)
                while waiting and waiting[0].part is not None:
                    batch = waiting.popleft()
                    self._bytes -= _weight(batch)
                    consume(batch)
            if self._unreadable is not None:
                raise self._unreadable
            well = True
        finally:
            self._over = True
            for handle in self._handles:
                handle.forget()
            for file in self._files:
                file.close(remove=well or not self._fixed)  # else jobs that go on may need it, and the next run
            if self._made:
                with suppress(OSError):  # workers have written there
                    self._made.rmdir()

    def tell(self, event: str, count: int) -> None:
        """Tell the observer, if there is one, of an event.

        Parameters
        ----------
        event
            Event, as for `adatom.workflow.graph.Graph.tell`.
        count
            Number of items that the event is about.
        """
        if self._observer and count:
            self._observer(self._operation.name, event, count)

    def _route(self) -> Route:
        """Return what all pieces share; what workers need to find is put in its place."""
        if self._engine.capabilities.concurrent:
            handle = self._ready(Handle.packed(self._operation, self._operation.name))
        else:
            handle = self._ready(Handle.here(self._operation))
        marked = self._engine.capabilities.processes
        folder = Path(self._directory) if self._fixed else Path(self._directory).parent
        if marked and not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            self._made = folder
        function = pack_function("map", run_part)
        call = Call(self._operation.name, self._directory, header(), function, b"", self._engine.name)
        if not self._fixed:
            return Route(call, handle, marked, self._answers)
        return Route(call, handle, marked, self._answers, may_leave=True, imported=self._operation.imported)

    def _handle_of(self, calculator: Any) -> Handle:
        return self._ready(Handle.packed(calculator, f"The {type(calculator).__name__} of a structure"))

    def _ready(self, handle: Handle) -> Handle:
        """Return a handle that may be sent with each batch: a long one goes by a file, if workers can read it."""
        if handle.data is not None and len(handle.data) > _LONG and self._engine.capabilities.shares_files:
            file = SharedFile(Path(f"{self._directory}.{handle.key}"), handle.data)
            self._files.append(file)
            handle = Handle(handle.key, path=str(file.path))
        self._handles.append(handle)
        return handle

    # Items on their way to workers

    def _next(self, items: Iterator[Item]) -> Batch | None:
        """Return the next batch; None if there are no more items, or none are to be started."""
        if self.stopped or self._unreadable:
            return None
        size = self._fixed or min(self._size.next(), self._most)
        taken: list[Item] = []
        try:
            for item in items:
                if not taken:
                    self.stopped = self._stop()
                if self.stopped:  # and this item is left, so that it is known that there are some
                    break
                taken.append(item)
                if len(taken) == size or (self._fixed and (item[0] + 1) % size == 0):
                    break
        except Exception as error:  # raised when the items before are done
            self._unreadable = error
        if not taken:
            return None
        numbers, given, extra = zip(*taken, strict=True)
        expected = self._size.cost * len(numbers) if self._size.measured else 0.0
        data, directory = self._pack(numbers, given), self._directory
        if self._fixed:  # the same for the same items, and another one for others
            directory = f"{directory}/{blake2b(data, digest_size=6).hexdigest()}"
        return Batch(list(numbers), data, list(extra), directory, expected)

    def _stop(self) -> str | None:
        if self._end is not None and time.monotonic() + self._size.seconds > self._end:
            return "its time budget is over"
        return stop_reason(self._size.seconds)

    def _pack(self, numbers: Sequence[int], items: Sequence[Any]) -> bytes:
        try:
            return self._packer.pack(items)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{self._operation.name}: structures {numbers[0]} to {numbers[-1]} cannot be sent to workers: {error}. "
                "Keep plain data in atoms.info, and give the function its calculator: as (constructor, args, kwargs), "
                "or by name."
            ) from error

    # Outcomes on their way back

    def _take(self, piece: Piece, answer: Any, dispatcher: Dispatcher) -> int:
        """Take the outcome of a piece; return 1 if its batch has come to an end, else 0."""
        if isinstance(answer, WorkerDiedError):
            part = self._part_of_lost(piece, answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            part = answer.value if isinstance(answer, Outcome) else read_result(answer)
            self._came_back = True
        failures = [part] if isinstance(part, Failure) else list(part.failures.values())
        incomplete = list(filter(is_incomplete, failures))
        not_begun = isinstance(part, Failure)
        if incomplete and self._fixed and stop_reason() is None and (not_begun or piece.starts < _STARTS):
            again = piece.part(range(piece.count))  # the time of a batch job was over: for the next one
            again.starts = piece.starts + (not not_begun)
            dispatcher.send(again, {})
            return 0
        if incomplete:  # its worker has no more time: this batch, and all that come after it, are left
            self.stopped = incomplete[0].message.rstrip(".")
            return int(piece.batch.take(piece.positions, None))
        if isinstance(part, Failure):  # of all items alike: the operation cannot be loaded there
            raise AdatomError(f"{self._operation.name} cannot run: {part.in_short}") from part.cause
        batch, done = piece.batch, len(part.shapes)
        if done < piece.count:
            dispatcher.send(piece.part(range(done, piece.count)), {})
        elif done == len(batch.numbers) and part.seconds:
            self._size.learn(done, part.seconds)
        if not batch.take(piece.positions[:done], part):
            return 0
        if batch.part is None:  # there was no time for some of its items
            return 1
        failed = len(batch.part.failures)
        self.tell("failed", failed)
        self.tell("done", len(batch.numbers) - failed)
        self._bytes += _weight(batch) - len(batch.data)
        return 1

    def _part_of_lost(self, piece: Piece, error: WorkerDiedError) -> Part:
        """Return the outcome of an item that is to blame for the death of its worker."""
        name = self._operation.name
        if piece.losses and not self._came_back:
            raise AdatomError(
                f"{name} cannot run: {piece.losses} workers ended before they had begun with a structure. Of the last, "
                f"{error}. Does what it needs crash when it is imported?"
            ) from error
        [position] = piece.positions
        item = unpack(piece.batch.data)[position]
        return gather(self._operation, [Failure.of(error, name, None)], lambda _: item)


def _weight(batch: Batch) -> int:
    output = batch.part.output if batch.part else b""
    return len(batch.data) + (len(output) if isinstance(output, bytes) else sum(map(len, output)))
