"""How a part of a stream is worked on, where the engine runs it."""

from __future__ import annotations

import reprlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from ase import Atoms

from adatom.configs.columns import pack, unpack
from adatom.configs.handle import Handle
from adatom.configs.operation import Operation, Shape
from adatom.configs.results import freeze_results, with_results
from adatom.errors import InputError
from adatom.execution.directories import RunDirectory, entered
from adatom.execution.failure import Failure
from adatom.execution.worker import settled

__all__ = ["Part", "gather", "run_part"]


@dataclass
class Part:
    """What came of some items.

    Attributes
    ----------
    shapes
        Of each item.
    output
        Structures, packed where they have travelled, or the text of each item.
    failures
        By place among the items.
    seconds
        That it took.
    """

    shapes: list[Shape]
    output: bytes | list[Any]
    failures: dict[int, Failure]
    seconds: float = 0.0


def run_part(handle: Handle, numbers: Sequence[int], data: bytes, directory: str, begun: str | None = None) -> Part:
    """Do what is done to each item, for some of them: what a task of the engine is.

    Parameters
    ----------
    handle
        The operation.
    numbers
        Of the items, in the whole stream.
    data
        The items, packed.
    directory
        What directories of items that write files are in.
    begun
        A file to make when the work on the items begins: until then a process imports what the operation needs.
    """
    operation = handle.load()
    if begun:
        with suppress(OSError):  # where the disk is not that of the driver
            Path(begun).touch()
    start = time.perf_counter()
    items, fresh = unpack(data), _Fresh(data)
    outcomes = _all_at_once(operation, items, numbers, directory) if operation.whole and len(items) > 1 else None
    if outcomes is None:
        if operation.whole:
            items = unpack(data)  # the function may have changed them before it failed
        outcomes = [
            _one(operation, item, number, directory, partial(fresh, place))
            for place, (item, number) in enumerate(zip(items, numbers, strict=True))
        ]
    return gather(operation, outcomes, fresh, start, pack_them=not handle.is_here)


def gather(
    operation: Operation,
    outcomes: list[Any],
    item: Callable[[int], Any],
    start: float | None = None,
    pack_them: bool = True,
) -> Part:
    """Put together what came of some items.

    Parameters
    ----------
    operation
        The operation.
    outcomes
        For each item its structures, or a `Failure`.
    item
        Gives an item as it was, by place.
    start
        When the work began, as `time.perf_counter` says.
    pack_them
        Whether structures are to travel.
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
                text = _text(made, operation.write_kwargs)
            except Exception as error:
                outcome = Failure.of(error, operation.name, None)
        if isinstance(outcome, Failure):
            failures[place] = outcome
            given = item(place)
            made = operation.failed(given)
            _freeze(made)
            shape = None if made and isinstance(given, Atoms) else len(made)
            for atoms in made:
                atoms.info[operation.mark] = " ".join(outcome.in_short.split())
                atoms.info.update(operation.tags)
            text = _text(made, operation.write_kwargs)
        shapes.append(shape)
        structures += made
        texts.append(text)
    output: Any = texts
    if operation.write_kwargs is None:
        output = pack(structures) if pack_them else structures
    return Part(shapes, output, failures, time.perf_counter() - start if start is not None else 0.0)


class _Fresh:
    """Items as they were given, none of them twice: a function may have changed it before it failed."""

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
    """What a function of a list makes of several items; None if it fails, as one alone may be to blame."""
    try:
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
    """The calculators of what a function gave stay where they are; what they found for a structure goes along."""
    for atoms in made if isinstance(made, list | tuple) else [made]:
        if isinstance(atoms, Atoms):
            freeze_results(atoms)


def _text(structures: list[Atoms], write_kwargs: Mapping[str, Any] | None) -> bytes:
    if write_kwargs is None or not structures:
        return b""
    from ase.io.extxyz import write_xyz

    file = StringIO()
    write_xyz(file, structures, **write_kwargs)
    return file.getvalue().encode()


class _Directory(RunDirectory):
    """Of one item: it is kept when that failed if there is something in it, as thousands may fail."""

    def fail(self, error: BaseException) -> None:
        if self.exists:
            super().fail(error)
