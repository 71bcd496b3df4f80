"""What is done to each item of a stream, and how a part of the stream is worked on where the engine runs it."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from io import StringIO
from typing import Any

import cloudpickle
import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.calculators.singlepoint import SinglePointCalculator

from adatom.configs.columns import pack, unpack
from adatom.directories import RunDirectory, entered
from adatom.errors import InputError
from adatom.workflow.failure import Failure
from adatom.workflow.worker import settled

__all__ = ["Handle", "Operation", "Part", "Shape", "run_part", "store_results"]

_PER_ATOM = ("forces", "energies", "stresses", "charges", "magmoms")

Shape = int | None
"""Of what an item became: None for one structure, else how many there are in its group; 0 is nothing."""


@dataclass(frozen=True)
class Operation:
    """What is done to each item.

    Attributes
    ----------
    name
        What to call it.
    function
        Takes an item, or with `whole` a list of items; gives a structure, a list of some, or None for each.
    kwargs
        Its other arguments.
    on_error
        As of `adatom.configs.map`.
    retries
        How often a failed item is tried again.
    mark
        The key of `Atoms.info` that says why a structure failed.
    seed
        Of the items' random numbers, given as ``rng``; None: none are given.
    whole
        Whether the function takes a list.
    prefix
        Before the names of a recipe's results in its structure; None: they are those of its calculator.
    initializer
        Called once in each worker, before anything else.
    tags
        Added to `Atoms.info` of every structure that comes out.
    write_kwargs
        Of the writer of extended XYZ, where the output is written as text; None: it is not.
    """

    name: str
    function: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    on_error: str = "raise"
    retries: int = 0
    mark: str = "failed"
    seed: int | None = None
    whole: bool = False
    prefix: str | None = None
    initializer: Callable[[], Any] | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    write_kwargs: Mapping[str, Any] | None = None

    def random(self, number: int) -> dict[str, Any]:
        """The random numbers of an item, which depend on nothing but the seed and its number.

        Parameters
        ----------
        number
            The item's, in the whole stream.
        """
        if self.seed is None:
            return {}
        return {"rng": np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))}

    def failed(self, item: Any) -> list[Atoms]:
        """What comes out for an item that failed.

        Parameters
        ----------
        item
            As it was given.
        """
        kept = [item] if isinstance(item, Atoms) else item if isinstance(item, list) else []
        return [atoms for atoms in kept if isinstance(atoms, Atoms)] if self.on_error in ("keep", "retry") else []


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


@dataclass(frozen=True)
class Handle:
    """An operation on its way to a worker, which unpacks it once.

    Attributes
    ----------
    key
        Of the operation.
    data
        The operation, pickled; None: it is in this process.
    path
        The file with `data`, where that is too long to be sent with each part.
    """

    key: str
    data: bytes | None = None
    path: str | None = None

    @classmethod
    def here(cls, operation: Operation) -> Handle:
        """For this process alone: nothing need be pickled, and an instance of a calculator keeps what it knows.

        Parameters
        ----------
        operation
            The operation.
        """
        handle = cls(f"here-{id(operation)}")
        _known()[handle.key] = operation
        return handle

    @classmethod
    def packed(cls, operation: Operation) -> Handle:
        """For any process.

        Parameters
        ----------
        operation
            The operation.

        Raises
        ------
        InputError
            It cannot be pickled.
        """
        try:
            data = cloudpickle.dumps(operation)
        except Exception as error:
            raise InputError(
                f"{operation.name} cannot be sent to worker processes: {error}. Pass plain data, and a calculator as "
                "(constructor, args, kwargs) or by name; or use one worker."
            ) from error
        return cls(blake2b(data, digest_size=16).hexdigest(), data)

    @property
    def is_here(self) -> bool:
        """Whether it is for this process alone."""
        return self.data is None and self.path is None

    def load(self) -> Operation:
        """The operation: one of each thread's own, as calculators are not made for several."""
        known = _known()
        if self.key not in known:
            data = self.data
            if data is None:
                assert self.path is not None
                with open(self.path, "rb") as file:
                    data = file.read()
            operation = pickle.loads(data)
            if operation.initializer is not None:
                operation.initializer()
            while len(known) > 8:
                del known[next(iter(known))]
            known[self.key] = operation
        found: Operation = known[self.key]
        return found

    def forget(self) -> None:
        """The operation is over, here."""
        _known().pop(self.key, None)


_threads = threading.local()


def _known() -> dict[str, Any]:
    if not hasattr(_threads, "operations"):
        _threads.operations = {}
    found: dict[str, Any] = _threads.operations
    return found


def run_part(handle: Handle, numbers: Sequence[int], data: bytes, directory: str) -> Part:
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
    """
    operation = handle.load()
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
                _keep_results(made)  # now: the next item may have the same calculator
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
        _keep_results(made)
    return list(found)


def _structures(outcome: Any, prefix: str | None) -> tuple[Shape, list[Atoms]]:
    if isinstance(outcome, Atoms):
        return None, [outcome]
    if outcome is None:
        return 0, []
    if isinstance(outcome, Mapping) and isinstance(outcome.get("atoms"), Atoms):  # a recipe's
        return None, [_with_results(outcome["atoms"], outcome.get("results") or {}, prefix)]
    if isinstance(outcome, list | tuple) and all(isinstance(atoms, Atoms) for atoms in outcome):
        return len(outcome), list(outcome)
    raise InputError(
        f"it gave a {type(outcome).__name__}. Return a structure, a list of structures, None, or a recipe's result; "
        "keep a number in atoms.info."
    )


def store_results(atoms: Atoms, prefix: str, results: Mapping[str, Any]) -> Atoms:
    """Keep results in a structure itself: those of each atom in `Atoms.arrays`, all others in `Atoms.info`.

    Parameters
    ----------
    atoms
        Gets them. Results of this prefix that it has already are replaced.
    prefix
        Before their names.
    results
        By name.
    """
    for name in all_properties:
        atoms.info.pop(prefix + name, None)
        atoms.arrays.pop(prefix + name, None)
    for name, value in results.items():
        if name.removesuffix("_std") in _PER_ATOM:
            atoms.arrays[prefix + name] = np.array(value)
        else:
            atoms.info[prefix + name] = value if np.ndim(value) else float(value)
    return atoms


def _with_results(atoms: Atoms, results: Mapping[str, Any], prefix: str | None) -> Atoms:
    kept = {key: value for key, value in results.items() if key in all_properties}
    if prefix is not None:
        atoms.calc = None
        return store_results(atoms, prefix, kept)
    if kept and atoms.calc is None:
        atoms.calc = SinglePointCalculator(atoms, **kept)
    return atoms


def _keep_results(made: Any) -> None:
    """The calculators of what a function gave stay where they are; what they found for a structure goes along."""
    for atoms in made if isinstance(made, list | tuple) else [made]:
        if isinstance(atoms, Atoms):
            _freeze(atoms)


def _freeze(atoms: Atoms) -> None:
    calculator = atoms.calc
    if calculator is None or type(calculator) is SinglePointCalculator:
        return
    known = {} if calculator.check_state(atoms) else calculator.results
    results = {name: value for name, value in known.items() if name in all_properties}
    atoms.calc = SinglePointCalculator(atoms, **results) if results else None


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
