"""`ConfigSet`: structures as the input of an operation, wherever they are."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from ase import Atoms

from adatom.configs.frames import Frames, pick
from adatom.errors import InputError

__all__ = ["ConfigSet", "Source"]


class Source(NamedTuple):
    """Where a structure comes from.

    Attributes
    ----------
    file
        The file; None: memory.
    number
        Which of the structures in the file, counted from 0; of those in memory, which of the set.
    """

    file: Path | None
    number: int


class ConfigSet:
    """Structures, in order and in groups, from memory, from files, or both.

    Iterating gives one structure after the other, whatever the groups; those in files are read when their turn comes,
    each time anew. Nothing is added to a structure.

    Parameters
    ----------
    items
        None; an `ase.Atoms`; a file in any format of ASE's; a pattern such as ``"run*.xyz"``; a `ConfigSet`; or an
        iterable of these, nested to any depth. A function without arguments that gives an iterable of structures is
        called each time that they are needed, so that they need not be in memory at once.

        Each file of a list, also of a list of one, and of a pattern is a group, and so is each list or `ConfigSet` in
        a list. A file that an operation has written has the groups of what it was made of.
    file_root
        Directory that relative names of files start from.
    read_kwargs
        Arguments of `ase.io.iread`; one structure of each file, or some, with ``{"index": "::10"}``.

    Attributes
    ----------
    failures
        Of what an operation gave: why, of the items that failed, by their number among those that went in.

    Raises
    ------
    InputError
        A file is not there, a pattern fits none, ASE does not know the format, or an item is none of the above.
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
                if path.is_dir():
                    raise InputError(f"{str(path)!r} is a directory. Name the files in it: {str(path / '*.xyz')!r}.")
                if path.is_file() or not glob.has_magic(str(items)):
                    from adatom.configs.journal import recorded_groups

                    groups = None if read_kwargs else recorded_groups(path)
                    self._parts = [Frames(path, read_kwargs)] if groups is None else groups
                else:
                    found = sorted(glob.glob(str(path), recursive=True))
                    if not found:
                        raise InputError(f"No file fits {str(path)!r}.")
                    self._parts = [ConfigSet(file, read_kwargs=read_kwargs) for file in found]
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
        for part in self._parts:
            if isinstance(part, Atoms):
                yield part
            else:
                yield from part

    def groups(self) -> Iterator[Atoms | ConfigSet]:
        """What the set is made of: structures, and sets of those that form a group. Any order of use will do."""
        for part in self._parts:
            if isinstance(part, Atoms | ConfigSet):
                yield part
            else:
                yield from part

    def __len__(self) -> int:
        return sum(map(_length, self._parts))

    def __bool__(self) -> bool:
        return any(True for _ in self)

    @overload
    def __getitem__(self, index: int) -> Atoms: ...
    @overload
    def __getitem__(self, index: slice) -> ConfigSet: ...
    def __getitem__(self, index: int | slice) -> Atoms | ConfigSet:
        """A structure by its number, whatever the groups, or a set of some."""
        length = len(self)
        if isinstance(index, slice):
            return self.take(range(length)[index])
        return next(iter(self.take([index + length if index < 0 else index])))

    def take(self, numbers: Sequence[int]) -> ConfigSet:
        """Some of the structures, in this order and without groups. Those in files stay there.

        Parameters
        ----------
        numbers
            Which of them, counted from 0.

        Raises
        ------
        IndexError
            There is none of that number.
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
        """The structures for which a function is true, without groups; all are looked at now.

        Parameters
        ----------
        function
            Called with each structure.
        """
        return self.take([number for number, atoms in enumerate(self) if function(atoms)])

    def map(self, function: Callable[[Atoms], Atoms]) -> ConfigSet:
        """The same set of what a function makes of each structure, whenever it is read.

        Parameters
        ----------
        function
            Called with a copy of each structure.
        """
        made = ConfigSet()
        made._parts = [
            part.map(function) if isinstance(part, ConfigSet) else _Made(_mapped(function, part))
            for part in self._parts
        ]
        return made

    def split(self, *parts: float, seed: int) -> tuple[ConfigSet, ...]:
        """Sets of structures chosen at random, each of another part and in the order that they have here.

        Parameters
        ----------
        *parts
            How large they are, relative to one another: ``8, 1, 1`` or ``0.8, 0.1, 0.1``.
        seed
            Of the random numbers: the same gives the same sets.

        Raises
        ------
        InputError
            There are no parts, or one is not above 0.
        """
        if not parts or min(parts) <= 0:
            raise InputError(f"Parts {parts} of a split: give numbers above 0, such as 0.9, 0.1.")
        order = np.random.default_rng(seed).permutation(len(self))
        ends = np.rint(np.cumsum(parts) / np.sum(parts) * len(order)).astype(int)
        return tuple(self.take(sorted(chosen.tolist())) for chosen in np.split(order, ends[:-1]))

    def sources(self) -> Iterator[Source]:
        """Where each structure comes from, in order."""
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
        return self if other == 0 else NotImplemented  # so that `sum` needs no start

    def __repr__(self) -> str:
        files = {str(leaf.path) for leaf in self._leaves() if isinstance(leaf, Frames)}
        groups = sum(isinstance(part, ConfigSet) for part in self._parts)
        about = [f"{groups} groups"] if groups else []
        about += [f"{len(files)} files" if len(files) > 1 else f"from {next(iter(files))}"] if files else []
        return f"<ConfigSet{': ' if about else ''}{', '.join(about)}>"

    def _leaves(self) -> Iterator[Atoms | Frames | _Made]:
        for part in self._parts:
            if isinstance(part, ConfigSet):
                yield from part._leaves()
            else:
                yield part


class _Made:
    """Structures that a function makes each time that they are needed."""

    def __init__(self, make: Callable[[], Iterable[Atoms]], numbers: Sequence[int] | None = None) -> None:
        self._make, self._numbers = make, numbers

    def take(self, numbers: Sequence[int]) -> _Made:
        known = self._numbers
        return _Made(self._make, numbers if known is None else [known[number] for number in numbers])

    def __len__(self) -> int:
        return sum(1 for _ in self._make()) if self._numbers is None else len(self._numbers)

    def __iter__(self) -> Iterator[Atoms]:
        return iter(self._make() if self._numbers is None else pick(self._make(), self._numbers))


def _length(part: Any) -> int:
    return 1 if isinstance(part, Atoms) else len(part)


def _mapped(function: Callable[[Atoms], Atoms], part: Atoms | Frames | _Made) -> Callable[[], Iterator[Atoms]]:
    def make() -> Iterator[Atoms]:
        for atoms in [part] if isinstance(part, Atoms) else part:
            given = atoms.copy()
            given.calc = atoms.calc  # its results are part of a structure that was computed
            yield function(given)

    return make
