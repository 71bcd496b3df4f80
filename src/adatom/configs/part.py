"""The worker's side of a stream: an operation applied to some of its items."""

from __future__ import annotations

import os
import reprlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from ase import Atoms

from adatom.configs.columns import pack, unpack
from adatom.configs.handle import Handle
from adatom.configs.operation import Operation, Shape
from adatom.configs.results import freeze_results, with_results
from adatom.errors import IncompleteError, InputError
from adatom.execution.deadline import stop_reason
from adatom.execution.directories import RunDirectory, entered
from adatom.execution.failure import Failure
from adatom.execution.needs import Need, with_needs
from adatom.execution.worker import settled

__all__ = ["ALL_AT_ONCE", "Part", "gather", "is_incomplete", "run_part"]


@dataclass
class Part:
    """Outcome of some items, of all or of the first ones.

    Attributes
    ----------
    shapes
        Shape of the outcome of each item: see `Shape`.
    output
        Structures, packed where they have travelled, or the text of each item.
    failures
        Failures, by the position of the item.
    seconds
        Time that the items took together.
    """

    shapes: list[Shape]
    output: bytes | list[Any]
    failures: dict[int, Failure]
    seconds: float = 0.0


@lru_cache(maxsize=16)
def _needs(handle: Handle) -> list[Need]:
    return handle.read().needs


@with_needs(lambda handle, *others, **options: _needs(handle))
def run_part(
    handle: Handle,
    numbers: Sequence[int],
    data: bytes,
    directory: str,
    chosen: Sequence[int] | None = None,
    mark: bytes | None = None,
    may_leave: bool = False,
    imported: Sequence[Any] = (),
) -> Part:
    """Apply an operation to some items: the task of an engine.

    Parameters
    ----------
    handle
        Operation, on its way to this worker.
    numbers
        Numbers of the items in the whole stream.
    data
        Items of a batch, packed.
    directory
        Parent of the directories of items that write files.
    chosen
        Positions of the items to work on; None: all.
    mark
        Path of a file in which to write the position, among those chosen, of each item that is begun; None: nothing is
        written.
    may_leave
        Whether the last items may be left to another worker where there is no time for them here. The first one is not.
    imported
        Functions and classes whose code counts for the name of the task. They are in the operation, too.
    """
    operation = handle.load()
    start = time.perf_counter()
    places = range(len(numbers)) if chosen is None else chosen
    with _marking(mark) as begin:
        items, fresh = unpack(data), _Fresh(data)
        outcomes = None
        if operation.whole and len(places) > 1:
            begin(ALL_AT_ONCE)
            outcomes = _all_at_once(
                operation, [items[place] for place in places], [numbers[place] for place in places], directory
            )
            if outcomes is None:
                items = unpack(data)  # the function may have changed them before it failed
        if outcomes is None:
            outcomes, longest = [], 0.0
            for index, place in enumerate(places):
                begin(b"%10d" % index)
                begun = time.perf_counter()
                outcome = _one(operation, items[place], numbers[place], directory, partial(fresh, place))
                if may_leave and index and is_incomplete(outcome):
                    break
                outcomes.append(outcome)
                longest = max(longest, time.perf_counter() - begun)
                if may_leave and stop_reason(longest):
                    break
    return gather(operation, outcomes, lambda index: fresh(places[index]), start, pack_them=not handle.is_here)


def is_incomplete(outcome: Any) -> bool:
    """Return whether an outcome is the failure of what stopped for want of time."""
    return isinstance(outcome, Failure) and isinstance(outcome.cause, IncompleteError)


ALL_AT_ONCE = b"all".ljust(10)
"""Text of a mark when a worker begins all items in one call."""


@contextmanager
def _marking(path: bytes | None) -> Iterator[Callable[[bytes], Any]]:
    """Yield a function that writes to a mark, which is removed after the block."""
    if path is None:
        yield lambda text: None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError:  # the disk is not that of the driver
        yield lambda text: None
        return
    try:
        yield lambda text: os.pwrite(descriptor, text, 0)
    finally:
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(path)


def gather(
    operation: Operation,
    outcomes: list[Any],
    item: Callable[[int], Any],
    start: float | None = None,
    pack_them: bool = True,
) -> Part:
    """Return the outcomes of some items as a `Part`.

    Parameters
    ----------
    operation
        Operation that was applied.
    outcomes
        Value that the function returned for each item, or a `Failure`.
    item
        Function that returns an item as it was given, by position.
    start
        Time at which the work began, by `time.perf_counter`; None: the time is not measured.
    pack_them
        Whether structures are packed, as they are to travel.
    """
    shapes: list[Shape] = []
    structures: list[Atoms] = []
    texts: list[bytes] = []
    failures: dict[int, Failure] = {}
    for place, outcome in enumerate(outcomes):
        shape: Shape = None
        made: list[Atoms] = []
        if not isinstance(outcome, Failure):
            try:
                shape, made = _structures(outcome, operation.prefix)
                for atoms in made:
                    atoms.info.pop(operation.mark, None)  # of an earlier time
                    atoms.info.update(operation.tags)
                text = operation.stored(made)
            except Exception as error:
                outcome = Failure.of(error, operation.name, None)
        if isinstance(outcome, Failure):
            failures[place] = outcome
            shape, made, text = _kept(operation, item(place), outcome)
        shapes.append(shape)
        structures += made
        texts.append(text)
    output: Any = texts
    if operation.write_kwargs is None:
        output = pack(structures) if pack_them else structures
    return Part(shapes, output, failures, time.perf_counter() - start if start is not None else 0.0)


def _kept(operation: Operation, given: Any, failure: Failure) -> tuple[Shape, list[Atoms], bytes]:
    """Return shape, structures and text of what is kept of an item that failed.

    A structure that the output file does not hold is kept without all that is attached to it.
    """
    made = operation.failed(given)
    _freeze(made)
    text = b""
    for bare in (False, True, None):
        if bare:
            made = [Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc) for atoms in made]
        elif bare is None:
            made = []  # such as one whose elements do not exist
        for atoms in made:
            atoms.info[operation.mark] = " ".join(failure.in_short.split())
            atoms.info.update(operation.tags)
        try:
            text = operation.stored(made)
            break
        except Exception:
            continue
    return None if made and isinstance(given, Atoms) else len(made), made, text


class _Fresh:
    """Items as they were given, each a new copy: a function may have changed an item before it failed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left: dict[int, Any] = {}

    def __call__(self, place: int) -> Any:
        if place not in self._left:
            self._left = dict(enumerate(unpack(self._data)))
        return self._left.pop(place)


def _one(operation: Operation, item: Any, number: int, directory: str, again: Callable[[], Any]) -> Any:
    for attempt in range(operation.retries + 1):
        given = again() if attempt else item  # the function may have changed it before it failed
        try:
            if operation.adds:
                operation.stored([given])
            with entered(_Directory(f"{directory}/{number:06d}")):
                if operation.whole:
                    return _call_on_list(operation, [given], [number])[0]
                made = settled(operation.function(given, **operation.kwargs, **operation.random(number)))
                _freeze(made)  # now: the next item may have the same calculator
                return made
        except (Exception, SystemExit) as error:
            failure = Failure.of(error, operation.name, None)
    return failure


def _all_at_once(operation: Operation, items: list[Any], numbers: Sequence[int], directory: str) -> list[Any] | None:
    """Return the values of a function of a list; None if it fails, as one item alone may be to blame."""
    try:
        if operation.adds:
            operation.stored(items)
        with entered(_Directory(f"{directory}/{numbers[0]:06d}-{numbers[-1]:06d}")):
            return _call_on_list(operation, items, numbers)
    except (Exception, SystemExit):
        return None


def _call_on_list(operation: Operation, items: list[Any], numbers: Sequence[int]) -> list[Any]:
    random = {} if operation.seed is None else {"rng": [operation.random(number)["rng"] for number in numbers]}
    found = settled(operation.function(items, **operation.kwargs, **random))
    if not isinstance(found, list | tuple) or len(found) != len(items):
        what = f"{len(found)} results" if isinstance(found, list | tuple) else f"a {type(found).__name__}"
        raise InputError(
            f"{operation.name} gave {what} for {len(items)} items. It is to return a list with a structure, a list of "
            "structures, or None for each."
        )
    for made in found:
        _freeze(made)
    return list(found)


def _structures(outcome: Any, prefix: str | None) -> tuple[Shape, list[Atoms]]:
    if isinstance(outcome, Atoms):
        return None, [outcome]
    if outcome is None:
        return 0, []
    if isinstance(outcome, Mapping) and isinstance(outcome.get("atoms"), Atoms):  # a recipe's
        return None, [with_results(outcome["atoms"], outcome.get("results") or {}, prefix)]
    if isinstance(outcome, list | tuple) and all(isinstance(atoms, Atoms) for atoms in outcome):
        return len(outcome), list(outcome)
    raise InputError(
        f"it gave {reprlib.repr(outcome)}. Return a structure, a list of structures, None, or a recipe's result; "
        "keep a number in atoms.info."
    )


def _freeze(made: Any) -> None:
    """Replace the calculators of returned structures by their results: calculators stay where they are."""
    for atoms in made if isinstance(made, list | tuple) else [made]:
        if isinstance(atoms, Atoms):
            freeze_results(atoms)


class _Directory(RunDirectory):
    """Directory of one item: after a failure it is kept only if files are in it, as thousands may fail."""

    def fail(self, error: BaseException) -> None:
        if self.exists:
            super().fail(error)
