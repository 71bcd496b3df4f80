"""`ConfigSet`: structures from memory and from files, as the input of an operation."""

from __future__ import annotations

import glob
import os
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from inspect import GEN_CREATED, getgeneratorstate
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from ase import Atoms

from adatom.configs.frames import Frames, pick
from adatom.errors import InputError
from adatom.utils.keywords import named_arguments

__all__ = ["ConfigSet", "Source"]


class Source(NamedTuple):
    """Origin of a structure.

    Attributes
    ----------
    file
        File that holds the structure; None: it is in memory.
    number
        Index of the structure in the file or, if it is in memory, in the set; counted from 0.
    """

    file: Path | None
    number: int


@named_arguments
class ConfigSet:
    """Structures, in order and in groups, from memory, from files, or both.

    Iteration gives one structure after the other, regardless of the groups. Structures in files are read when their
    turn comes, anew in each iteration. Nothing is added to a structure.

    Parameters
    ----------
    items
        None for an empty set; an `ase.Atoms`; a file in any format of ASE's; a pattern such as ``"run*.xyz"``; a
        `ConfigSet`; or an iterable of these, nested to any depth. A function without arguments that returns an iterable
        of structures is called each time that they are needed, so that they need not be in memory at once.

        Each file of a pattern and of a list, even of a list of one, is a group, and so is each list or `ConfigSet` in
        a list. A file that an operation has written has the groups of that operation's inputs, and so has its copy.
    file_root
        Directory that relative file names start from; None: the current directory.
    read_kwargs
        Arguments of `ase.io.iread`; ``{"index": "::10"}`` takes only some of the structures in each file. None: all
        structures are read.

    Attributes
    ----------
    failures
        Cause of failure by number of the item in the inputs, in a set that an operation has returned; else empty.

    Raises
    ------
    InputError
        A file does not exist, a pattern fits no file, ASE does not know the format, or an item is none of the above.
    """

    def __init__(
        self,
        items: Any = None,
        *,
        file_root: str | os.PathLike[str] | None = None,
        read_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self._parts: list[Atoms | Frames | _Made | ConfigSet] = []
        self.failures: Mapping[int, str] = {}
        match items:
            case None:
                pass
            case Atoms():
                self._parts = [items]
            case ConfigSet():
                self._parts = list(items._parts)
            case str() | os.PathLike():
                path = Path(file_root or "", items).expanduser()
                self._parts = _parts_of_files(path, glob.has_magic(str(items)), read_kwargs)
            case Mapping():
                raise InputError("A dictionary is no set of structures. Give an ase.Atoms, a file, or a list of them.")
            case Iterable():
                self._parts = [
                    item if isinstance(item, Atoms) else ConfigSet(item, file_root=file_root, read_kwargs=read_kwargs)
                    for item in items
                ]
            case _ if callable(items):
                self._parts = [_Made(items)]
            case _:
                raise InputError(f"{items!r} is no structure. Give an ase.Atoms, a file, or a list of them.")

    def __iter__(self) -> Iterator[Atoms]:
        read: list[Atoms | Exception] = []
        structures = self._structures(read)
        _BEGUN[self] = weakref.ref(structures, lambda _: read.clear()), read
        return structures

    def _structures(self, read: list[Atoms | Exception]) -> Generator[Atoms, None, None]:
        """Yield the structures: those in `read` if there are some, else those of the parts."""
        if read:
            read.reverse()
            while read:  # none is kept that the caller does not keep
                atoms = read.pop()
                if isinstance(atoms, Exception):
                    raise atoms
                yield atoms
            return
        for part in self._parts:
            if isinstance(part, Atoms):
                yield part
            else:
                yield from part

    def groups(self) -> Iterator[Atoms | ConfigSet]:
        """Yield the structures that are in no group, and each group as a set. A group may be read at any time."""
        for part in self._in_groups():
            if isinstance(part, Atoms | ConfigSet):
                yield part
            else:
                yield from part

    def _in_groups(self) -> Iterator[Atoms | Frames | _Made | ConfigSet]:
        """Yield the parts, and of a file the groups that its structures name."""
        from adatom.configs.groups import in_groups

        for part in self._parts:
            yield from in_groups(part) if isinstance(part, Frames) else [part]

    def __len__(self) -> int:
        structures, read = _BEGUN.get(self, (_nothing, None))
        waiting = structures()
        if read is None or waiting is None or getgeneratorstate(waiting) != GEN_CREATED:
            return sum(map(_length, self._parts))
        if not read and any(isinstance(leaf, Frames | _Made) and leaf.must_be_read for leaf in self._leaves()):
            # `list` asks for the length between its calls of `iter` and `next`: what is read to count is kept for it.
            try:
                for atoms in self._structures([]):
                    read.append(atoms)
            except Exception as error:  # raised when its turn comes
                read.append(error)
        return len(read) or sum(map(_length, self._parts))

    def __bool__(self) -> bool:
        return any(True for _ in self)

    @overload
    def __getitem__(self, index: int) -> Atoms: ...
    @overload
    def __getitem__(self, index: slice) -> ConfigSet: ...
    def __getitem__(self, index: int | slice) -> Atoms | ConfigSet:
        """Return a structure by its number, regardless of the groups, or for a slice a set of structures."""
        length = len(self)
        if isinstance(index, slice):
            return self.take(range(length)[index])
        return next(iter(self.take([index + length if index < 0 else index])))

    def take(self, numbers: Sequence[int]) -> ConfigSet:
        """Return a set of some of the structures, without groups. Structures in files are not read.

        Parameters
        ----------
        numbers
            Indices of the structures in the order of the new set, counted from 0.

        Raises
        ------
        IndexError
            The set has no structure of that number.
        """
        leaves = list(self._leaves())
        starts = np.cumsum([0, *map(_length, leaves)])
        outside = [number for number in numbers if not 0 <= number < starts[-1]]
        if outside:
            raise IndexError(f"{outside[0]} is out of range: there are {starts[-1]} structures")
        which = np.searchsorted(starts, numbers, side="right") - 1
        chosen = ConfigSet()
        for place, run in groupby(zip(which.tolist(), numbers, strict=True), key=itemgetter(0)):
            leaf, inside = leaves[place], [number - int(starts[place]) for _, number in run]
            chosen._parts += [leaf] * len(inside) if isinstance(leaf, Atoms) else [leaf.take(inside)]
        return chosen

    def filter(self, function: Callable[[Atoms], Any]) -> ConfigSet:
        """Return a set of the structures for which a function is true, without groups. All structures are read now.

        Parameters
        ----------
        function
            Function of a structure, which returns a true value for those to keep.
        """
        return self.take([number for number, atoms in enumerate(self) if function(atoms)])

    def map(self, function: Callable[[Atoms], Atoms]) -> ConfigSet:
        """Return a set in the same groups whose structures a function makes of these, each time that it is read.

        Parameters
        ----------
        function
            Function that is given a copy of a structure and returns a structure.
        """
        made = ConfigSet()
        made._parts = [
            part.map(function) if isinstance(part, ConfigSet) else _Made(_mapped(function, part))
            for part in self._in_groups()
        ]
        return made

    def split(self, *parts: float, seed: int) -> tuple[ConfigSet, ...]:
        """Split the structures at random into sets that have none in common, each in the order of this set.

        Parameters
        ----------
        *parts
            Sizes of the sets relative to one another: ``8, 1, 1`` or ``0.8, 0.1, 0.1``.
        seed
            Seed of the random numbers; the same seed gives the same sets.

        Raises
        ------
        InputError
            No sizes are given, or one of them is not above 0.
        """
        if not parts or min(parts) <= 0:
            raise InputError(f"Parts {parts} of a split: give numbers above 0, such as 0.9, 0.1.")
        order = np.random.default_rng(seed).permutation(len(self))
        ends = np.rint(np.cumsum(parts) / np.sum(parts) * len(order)).astype(int)
        return tuple(self.take(sorted(chosen.tolist())) for chosen in np.split(order, ends[:-1]))

    def sources(self) -> Iterator[Source]:
        """Yield the origin of each structure, in order."""
        start = 0
        for leaf in self._leaves():
            end = start + _length(leaf)
            if isinstance(leaf, Frames):
                yield from (Source(leaf.path, number) for number in leaf.numbers or range(len(leaf)))
            else:
                yield from (Source(None, number) for number in range(start, end))
            start = end

    def __add__(self, other: ConfigSet) -> ConfigSet:
        if not isinstance(other, ConfigSet):
            return NotImplemented
        both = ConfigSet()
        both._parts = [*self._parts, *other._parts]
        return both

    def __radd__(self, other: Any) -> ConfigSet:
        return self if other == 0 else NotImplemented  # `sum` starts with 0

    def __repr__(self) -> str:
        files = {str(leaf.path) for leaf in self._leaves() if isinstance(leaf, Frames)}
        groups = sum(isinstance(part, ConfigSet) for part in self._parts)
        held = sum(isinstance(leaf, Atoms) for leaf in self._leaves())
        about = [_count(groups, "group"), _count(held, "structure")]
        about += [f"{len(files)} files" if len(files) > 1 else f"from {next(iter(files))}"] if files else []
        return f"<ConfigSet: {', '.join(filter(None, about)) or 'read when it is used'}>"

    def _leaves(self) -> Iterator[Atoms | Frames | _Made]:
        for part in self._parts:
            if isinstance(part, ConfigSet):
                yield from part._leaves()
            else:
                yield part


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number > 1)}" if number else ""


_Begun = tuple[Callable[[], Generator[Atoms, None, None] | None], list[Atoms | Exception] | None]
_BEGUN: weakref.WeakKeyDictionary[ConfigSet, _Begun] = weakref.WeakKeyDictionary()  # the last iterator of each set


def _nothing() -> None:
    return None


class _Made:
    """Structures that a function makes anew each time that they are needed."""

    def __init__(self, make: Callable[[], Iterable[Atoms]], numbers: Sequence[int] | None = None) -> None:
        self._make, self._numbers = make, numbers

    def take(self, numbers: Sequence[int]) -> _Made:
        known = self._numbers
        return _Made(self._make, numbers if known is None else [known[number] for number in numbers])

    @property
    def must_be_read(self) -> bool:
        """True if the structures must be made to be counted."""
        return self._numbers is None

    def __len__(self) -> int:
        return sum(1 for _ in self._make()) if self._numbers is None else len(self._numbers)

    def __iter__(self) -> Iterator[Atoms]:
        return iter(self._make() if self._numbers is None else pick(self._make(), self._numbers))


def _parts_of_files(path: Path, is_pattern: bool, read_kwargs: Mapping[str, Any] | None) -> list[Any]:
    """Return the parts of a set for one file, or one set for each file that fits a pattern."""
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a directory. Name the files in it: {str(path / '*.xyz')!r}.")
    if is_pattern and not path.is_file():
        found = sorted(glob.glob(str(path), recursive=True))
        if not found:
            raise InputError(f"No file fits {str(path)!r}.")
        return [ConfigSet(file, read_kwargs=read_kwargs) for file in found]
    from adatom.configs.journal import recorded_groups

    groups = None if read_kwargs else recorded_groups(path)
    return [Frames(path, read_kwargs)] if groups is None else groups


def _length(part: Any) -> int:
    return 1 if isinstance(part, Atoms) else len(part)


def _mapped(function: Callable[[Atoms], Atoms], part: Atoms | Frames | _Made) -> Callable[[], Iterator[Atoms]]:
    def make() -> Iterator[Atoms]:
        for atoms in [part] if isinstance(part, Atoms) else part:
            given = atoms.copy()
            given.calc = atoms.calc  # `copy` leaves out the calculator and its results
            yield function(given)

    return make
