"""Groups of the structures in a file, which each structure of a group names, so that copies of the file have them."""

from __future__ import annotations

import re
import reprlib
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import groupby, islice, repeat, takewhile
from lzma import LZMAError
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.io.formats import IOFormat, open_with_compression

from adatom.configs.configset import ConfigSet
from adatom.configs.frames import GROUP, Frames
from adatom.configs.operation import Shape, count_structures
from adatom.configs.tree import CLOSE, OPEN, Shapes, Tree
from adatom.errors import InputError

__all__ = ["GroupNames", "can_name", "in_groups", "named", "naming_groups", "with_names"]

_DEEPEST = 50  # groups around a structure
_NAME = re.compile(rf"(/\d{{1,15}}){{0,{_DEEPEST}}}", re.ASCII)
_MOST_EMPTY = 100_000  # groups without structures in a file: 30 MB
_PIECE = 1 << 22  # bytes of a file that are searched at a time


class GroupNames:
    """Names of the groups to which the outputs of a stream belong, in order.

    Parameters
    ----------
    tokens
        Groups of the items, as a `Tree` records them; they may grow.
    """

    def __init__(self, tokens: Sequence[int | str]) -> None:
        self._tokens, self._next, self._used, self._count = tokens, 0, 0, 0  # of tokens, in the next, of all
        self._name, self._made = [""], [0]  # of each group that is open: its name, and the number of groups in it

    def skip(self, shapes: Shapes) -> None:
        """Leave out the items that are done.

        Parameters
        ----------
        shapes
            Shapes of the outputs of all items that are done.
        """
        if self._count < len(shapes):
            deque(self.of(islice(shapes, self._count, None)), maxlen=0)

    def of_structures(self, shapes: Iterable[Shape]) -> Iterator[str]:
        """Yield the name of the group of each structure in the outputs of the next items.

        Parameters
        ----------
        shapes
            Shape of each item's output.
        """
        for shape in shapes:
            yield from repeat(next(self.of([shape])), count_structures([shape]))

    def of(self, shapes: Iterable[Shape]) -> Iterator[str]:
        """Yield the name of the group that holds the output of each of the next items; empty: none does.

        Parameters
        ----------
        shapes
            Shape of each item's output.
        """
        for shape in shapes:
            while not isinstance(token := self._tokens[self._next], int) or self._used == token:
                if token == OPEN:
                    self._name.append(self._new())
                    self._made.append(0)
                elif token == CLOSE:
                    self._name.pop()
                    self._made.pop()
                self._next, self._used = self._next + 1, 0
            self._used += 1
            self._count += 1
            yield self._new() if shape else self._name[-1]

    def _new(self) -> str:
        self._made[-1] += 1
        return f"{self._name[-1]}/{self._made[-1] - 1}"


def with_names(text: bytes, name: str, count: int) -> bytes:
    """Return extended XYZ in which each structure names its group.

    Parameters
    ----------
    text
        Structures as extended XYZ.
    name
        Name of the group that holds them; empty: none does.
    count
        Number of structures.
    """
    if not name:
        return text
    lines, place = text.split(b"\n"), 0
    for _ in range(count):
        lines[place + 1] += f" {GROUP}={name}".encode()
        place += int(lines[place]) + 2
    return b"\n".join(lines)


def can_name(kind: IOFormat | None, options: Mapping[str, Any]) -> bool:
    """Return True if structures in a file can name the groups that they belong to.

    Parameters
    ----------
    kind
        Format of the file, as ASE knows it; None: the file is a store.
    options
        Arguments of `ase.io.write`.
    """
    if kind is not None and kind.name == "extxyz":
        return options.get("write_info", True) and not any(map(options.get, ("plain", "vec_cell", "comment")))
    return kind is None or kind.name == "traj"


def named(structures: Iterable[Atoms], names: Iterable[str]) -> Iterator[Atoms]:
    """Yield structures of which each names its group in its `info`.

    Parameters
    ----------
    structures
        Structures, which are changed.
    names
        Name of the group of each structure; empty: it is in none, and stays as it is.
    """
    for atoms, name in zip(structures, names, strict=True):
        if name:
            atoms.info[GROUP] = name
        yield atoms


def naming_groups(configs: ConfigSet) -> Iterator[Atoms]:
    """Yield the structures of a set that is read from a file, each with the name of its group in its `info`.

    Parameters
    ----------
    configs
        Set of structures, which are changed.
    """
    tree = Tree()
    names = GroupNames(tree.tokens)
    for atoms in tree.watch(configs):
        yield from named([atoms], names.of([None]))


def in_groups(frames: Frames) -> list[Any]:
    """Return the parts of a `ConfigSet` for the structures of a file: those in no group, and sets of the others.

    Parameters
    ----------
    frames
        The file, which is read if one of its structures names a group.

    Raises
    ------
    InputError
        A structure names a group that cannot be, or so many groups have no structures that they cost too much memory.
    """
    status = frames.path.stat()
    if not frames.is_whole or not _is_named(frames.path, status.st_mtime_ns, status.st_size):
        return [frames]
    # The structures stay in order: a number that goes back, as where files were joined, begins a new group.
    sets, numbers, last, start, empty = [ConfigSet()], list[int](), [-1], 0, 0
    for name, run in groupby(frames.group_names()):
        named = _numbers(name, frames.path)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(numbers, named, strict=False)))
        del sets[same + 1 :], last[same + 1 :]
        for number in named[same:]:
            before = max(0, number - last[-1] - 1)
            empty += before
            if empty > _MOST_EMPTY:
                raise _bad_name(name, frames.path, f"before it are more than {_MOST_EMPTY} groups without structures")
            sets[-1]._parts += [ConfigSet() for _ in range(before)]
            last[-1] = number
            last.append(-1)
            sets.append(ConfigSet())
            sets[-2]._parts.append(sets[-1])
        numbers, count = named, sum(1 for _ in run)
        sets[-1]._parts.append(frames.take(range(start, start + count)))
        start += count
    return sets[0]._parts


def _numbers(name: str, path: Path) -> list[int]:
    """Return the numbers of the groups that a name consists of."""
    if not _NAME.fullmatch(name):
        raise _bad_name(name, path, f"a name is like '/0/3', at most {_DEEPEST} deep")
    return [int(number) for number in name.split("/")[1:]]


def _bad_name(name: str, path: Path, why: str) -> InputError:
    return InputError(
        f"A structure of {path} is in group {reprlib.repr(name)}, and {why}. Take the key {GROUP} out of the file to "
        "read it without groups."
    )


@lru_cache(maxsize=16)
def _is_named(path: Path, *stamp: int) -> bool:
    """Return True if the name of the key is anywhere in the file: to search is a hundred times faster than to read."""
    end = b""
    unreadable = suppress(OSError, EOFError, LZMAError, zlib.error)  # who reads the structures says what is wrong
    with unreadable, open_with_compression(str(path), "rb") as file:
        while piece := file.read(_PIECE):
            if GROUP.encode() in end + piece:
                return True
            end = piece[-len(GROUP) :]
    return False
