"""Batches of a stream on their way through an engine: whole or, after a worker died, in pieces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import cloudpickle

from adatom.configs.columns import pack, unpack
from adatom.configs.handle import Handle
from adatom.configs.part import ALL_AT_ONCE, Part
from adatom.errors import WorkerDiedError
from adatom.execution.call import Call
from adatom.execution.dispatcher import Task

__all__ = ["Batch", "Piece", "Route"]


@dataclass
class Batch:
    """Items that are read, worked on and written together.

    Attributes
    ----------
    numbers
        Numbers of the items in the whole stream.
    data
        Items, packed.
    extra
        Data of the caller's for each item.
    directory
        Parent of the directories of items that write files.
    seconds
        Time that they may take, by the batches before; 0: unknown.
    part
        Outcome of all items, once it is known.
    parts
        Outcomes of pieces, each with the positions of its items in the batch.
    """

    numbers: list[int]
    data: bytes
    extra: list[Any]
    directory: str
    seconds: float = 0.0
    part: Part | None = None
    parts: list[tuple[Sequence[int], Part | None]] = field(default_factory=list)

    def take(self, positions: Sequence[int], part: Part | None) -> bool:
        """Take the outcome of a piece, and return whether the outcomes of all pieces are there.

        Parameters
        ----------
        positions
            Positions of its items in the batch.
        part
            Outcome of the piece; None: there was no time for it, and the batch stays without an outcome.
        """
        self.parts.append((positions, part))
        if sum(len(places) for places, _ in self.parts) < len(self.numbers):
            return False
        known = [(places, part) for places, part in self.parts if part is not None]
        if len(known) == len(self.parts):
            self.part = known[0][1] if len(known) == 1 else _joined(known)
        return True


@dataclass(frozen=True)
class Route:
    """All that the pieces of one stream have in common.

    Attributes
    ----------
    call
        Call of `run_part`, without its arguments.
    handle
        Operation, on its way to workers.
    marked
        Whether workers write down which item they begin, as they may die.
    answers
        Queue for outcomes: a piece with a result, or with an exception.
    may_leave
        Whether a worker without time may leave the last items of a piece.
    imported
        Functions and classes whose code counts for the names of tasks.
    """

    call: Call
    handle: Handle
    marked: bool
    answers: SimpleQueue[tuple[Piece, Any]]
    may_leave: bool = False
    imported: Sequence[Any] = ()


class Piece(Task):
    """Some items of a batch, which a worker is given together.

    Parameters
    ----------
    batch
        Batch that the items belong to.
    positions
        Positions of the items in the batch.
    route
        All that the pieces of the stream have in common.
    retries
        Number of further attempts for an item whose worker died.

    Attributes
    ----------
    starts
        Number of workers that began the first item and had no time for it.
    """

    starts = 0

    def __init__(self, batch: Batch, positions: Sequence[int], route: Route, retries: int) -> None:
        self.batch, self.positions, self._route, self._retries = batch, positions, route, retries
        self.count = len(positions)
        name = f"{batch.directory}.begun-{batch.numbers[positions[0]]}-{retries}"
        self._mark = Path(name) if route.marked else None

    @property
    def work(self) -> Call:
        """Call that a worker runs; the whole batch travels, as its items may share calculators."""
        call, batch = self._route.call, self.batch
        chosen = None if self.count == len(batch.numbers) else self.positions
        mark = None if self._mark is None else bytes(self._mark)  # in bytes, the content of the file counts in no key
        route = self._route
        arguments = (route.handle, batch.numbers, batch.data, batch.directory, chosen, mark)
        expected = batch.seconds * self.count / len(batch.numbers)
        more = {"may_leave": True, "imported": route.imported} if route.may_leave else {}
        packed = cloudpickle.dumps((arguments, more))
        return replace(call, directory=batch.directory, arguments=packed, expected=expected)

    def begun(self) -> Collection[int] | None:
        """Return the position of the item that the worker had begun; None if it worked on all of them at once."""
        if self._mark is None:
            return None
        try:
            written = self._mark.read_bytes()
        except OSError:
            return ()
        self.forget()
        if written == ALL_AT_ONCE:
            return None if self.count > 1 else [0]
        return [int(written)] if written else ()

    def part(self, positions: Sequence[int]) -> Piece:
        """Return a piece with some of the items."""
        return self._with([self.positions[place] for place in positions], self._retries, self.losses)

    def retry(self, position: int, error: WorkerDiedError) -> Piece | None:
        """Return the next attempt of an item; None, after its failure is told, if it has no retries left."""
        alone = self._with([self.positions[position]], self._retries - 1)
        if self._retries > 0:
            return alone
        self._route.answers.put((alone, error))
        return None

    def settle(self, result: Any) -> Sequence[Task]:
        """Hand the result over to the thread that reads and writes."""
        self._route.answers.put((self, result))
        return ()

    def fail(self, error: BaseException) -> None:
        """Hand the exception over to the thread that reads and writes, which raises it."""
        self._route.answers.put((self, error))

    def forget(self) -> None:
        """Remove the file in which a worker writes what it begins."""
        if self._mark is not None:
            with suppress(OSError):
                self._mark.unlink(missing_ok=True)

    def _with(self, positions: Sequence[int], retries: int, losses: int = 0) -> Piece:
        piece = Piece(self.batch, positions, self._route, retries)
        piece.losses = losses
        return piece


def _joined(parts: Sequence[tuple[Sequence[int], Part]]) -> Part:
    """Return the outcomes of pieces as one, in the order of the batch."""
    of_item: dict[int, tuple[Any, Any, Any]] = {}
    texts = isinstance(parts[0][1].output, list)
    for places, part in parts:
        made = iter(unpack(part.output) if isinstance(part.output, bytes) else part.output)
        for index, (place, shape) in enumerate(zip(places, part.shapes, strict=True)):
            count = 1 if texts or shape is None else shape
            of_item[place] = shape, list(islice(made, count)), part.failures.get(index)
    ordered = [of_item[place] for place in sorted(of_item)]
    output = [item for _, made, _ in ordered for item in made]
    failures = {place: failure for place, (_, _, failure) in enumerate(ordered) if failure}
    return Part([shape for shape, _, _ in ordered], output if texts else pack(output), failures)
