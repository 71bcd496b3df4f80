"""Structures in a file, read one after the other or by number."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import StringIO, TextIOWrapper
from itertools import count, islice
from pathlib import Path
from typing import IO, Any, cast

import ase.io
import numpy as np
from ase import Atoms
from ase.io.formats import UnknownFileTypeError, filetype, open_with_compression
from ase.utils import string2index
from numpy.typing import NDArray

from adatom.configs.extxyz import read_frame
from adatom.configs.extxyz_lines import FrameError, FrameLines, frame_size, split_frames
from adatom.configs.store import SUFFIX, StoreReader
from adatom.errors import InputError

__all__ = ["COMPRESSED", "GROUP", "Frames", "pick"]

_PIECE = 1 << 20  # bytes that are searched for line ends at a time
COMPRESSED = (".gz", ".bz2", ".xz")
"""Endings of the names of files that ASE writes and reads compressed."""
GROUP = "adatom_group"
"""Key of `info` in a file: numbers of the groups around a structure, from the outermost, such as ``/0/3``."""


class Frames:
    """Structures in a file, none of which is kept in memory.

    Parameters
    ----------
    path
        File in any format of ASE's, or one that `StoreWriter` wrote.
    read_kwargs
        Arguments of `ase.io.iread`; None: all structures are read, in the format that ASE finds.
    numbers
        Indices of the structures, in this order; None: all structures.

    Raises
    ------
    InputError
        The file does not exist, ASE does not know its format, or it is a store and `read_kwargs` are given.
    """

    def __init__(
        self, path: Path, read_kwargs: Mapping[str, Any] | None = None, numbers: Sequence[int] | None = None
    ) -> None:
        self.path, self._given, self.numbers = path, read_kwargs, numbers
        self.read_kwargs = {"index": ":", **(read_kwargs or {})}
        if not path.is_file():
            raise InputError(f"There is no file {str(path)!r} with structures.")
        self._store = StoreReader(path) if path.suffix == SUFFIX else None
        if self._store is not None:
            if read_kwargs:
                raise InputError(
                    f"read_kwargs={dict(read_kwargs)!r}: {path} is not read by ASE. Take a slice of the set."
                )
            return
        try:
            self._format = self.read_kwargs.get("format") or filetype(str(path))
        except (UnknownFileTypeError, OSError) as error:
            raise InputError(
                f"{path} has no format that ASE reads: {error}. Name it: read_kwargs={{'format': ...}}."
            ) from error
        except Exception as error:  # a compressed file was cut or damaged
            raise InputError(f"{path} cannot be read: {type(error).__name__}: {error} Make the file again.") from error

    def take(self, numbers: Sequence[int]) -> Frames:
        """Return some of these structures.

        Parameters
        ----------
        numbers
            Indices among these structures, counted from 0.
        """
        known = self.numbers
        return Frames(self.path, self._given, numbers if known is None else [known[number] for number in numbers])

    @property
    def must_be_read(self) -> bool:
        """True if the file must be read to count the structures."""
        return self.numbers is None and self._store is None

    def __len__(self) -> int:
        if self.numbers is not None:
            return len(self.numbers)
        if self._store is not None:
            return len(self._store)
        return len(self._starts()) - 1 if self._is_plain() else sum(1 for _ in self)

    @property
    def is_whole(self) -> bool:
        """True if these are all structures of the file, in order."""
        return self.numbers is None and self.read_kwargs["index"] in (":", slice(None))

    def group_names(self) -> Iterator[str]:
        """Yield what each structure names as its group, such as ``/0/3``; empty: it names none."""
        return (str(atoms.info.get(GROUP, "")) for atoms in self._as_written())

    def __iter__(self) -> Iterator[Atoms]:
        for atoms in self._as_written():
            atoms.info.pop(GROUP, None)  # the set tells
            yield atoms

    def _as_written(self) -> Iterator[Atoms]:
        if self._store is not None:
            yield from self._store if self.numbers is None else self._store.pick(self.numbers)
        elif self.numbers is None:
            yield from self._all()
        elif self._is_plain():
            starts = self._starts()
            with self.path.open("rb") as file:
                for number in self.numbers:
                    yield _frame(self.path, file, starts, number)
        else:
            yield from pick(self._all(), self.numbers)

    def _all(self) -> Iterator[Atoms]:
        frames = self._streamed() if self._is_read_here() else ase.io.iread(self.path, **self.read_kwargs)
        for number in count():
            try:
                atoms = next(frames)
            except StopIteration:
                return
            except Exception as error:
                raise _unreadable(self.path, number, error) from error
            yield atoms

    def _streamed(self) -> Iterator[Atoms]:
        data = open_with_compression(str(self.path), "rb")
        with TextIOWrapper(data, encoding="utf-8", newline="\n") as file:
            yield from map(read_frame, self._chosen(split_frames(file)))

    def _chosen(self, frames: Iterator[FrameLines]) -> Iterable[FrameLines]:
        """Return those of the structures that the index of `read_kwargs` selects, as ASE does."""
        index = self.read_kwargs["index"]
        index = cast(int | slice, string2index(index) if isinstance(index, str) else index)
        if index == slice(None):
            return frames
        if isinstance(index, slice) and all(
            each is None or each >= 0 for each in (index.start, index.stop, index.step)
        ):
            return islice(frames, index.start, index.stop, index.step)
        every = list(frames)
        return every[index] if isinstance(index, slice) else [every[index]]

    def _is_read_here(self) -> bool:
        """Return True if the file is extended XYZ, and there are no options but the index."""
        return self._format == "extxyz" and set(self.read_kwargs) <= {"index", "format"}

    def _is_plain(self) -> bool:
        """Return True if a structure can be found without reading the others."""
        every = self._is_read_here() and self.read_kwargs["index"] in (":", slice(None))
        return every and self.path.suffix not in COMPRESSED

    def _starts(self) -> NDArray[np.int64]:
        status = self.path.stat()
        return _starts(self.path, status.st_mtime_ns, status.st_size)


def pick(items: Iterable[Atoms], numbers: Sequence[int]) -> Iterator[Atoms]:
    """Yield some structures of a stream by number. No more of them are kept than their order makes necessary.

    Parameters
    ----------
    items
        Structures of the stream, in order.
    numbers
        Indices of the structures to yield, in this order.
    """
    stream, kept, left = enumerate(items), {}, Counter(numbers)
    for number in numbers:
        while number not in kept:
            place, atoms = next(stream)
            if place in left:
                kept[place] = atoms
        yield kept[number]
        left[number] -= 1
        if not left[number]:
            del kept[number]


@lru_cache(maxsize=16)
def _starts(path: Path, *stamp: int) -> NDArray[np.int64]:
    """Return the positions in bytes at which the structures of an extended XYZ file begin, and its end."""
    starts, place = array("q"), 0  # compact, for there may be millions
    with path.open("rb") as file:
        while line := file.readline():
            if not line.strip():
                place += len(line)
                continue
            starts.append(place)
            try:
                count = frame_size(line, 1)
            except FrameError as error:
                error.line += _lines_before(path, place)
                raise _unreadable(path, len(starts) - 1, error) from error
            place += len(line) + sum(map(len, islice(file, min(count + 1, sys.maxsize))))
            while (line := file.readline()).startswith(b"VEC"):
                place += len(line)
            file.seek(place)
    starts.append(place)
    return np.frombuffer(starts, np.int64)


def _frame(path: Path, file: IO[bytes], starts: NDArray[np.int64], number: int) -> Atoms:
    file.seek(int(starts[number]))
    data = file.read(int(starts[number + 1] - starts[number]))
    try:
        return read_frame(next(split_frames(StringIO(data.decode()))))
    except Exception as error:
        if isinstance(error, FrameError):
            error.line += _lines_before(path, int(starts[number]))
        raise _unreadable(path, number, error) from error


def _lines_before(path: Path, place: int) -> int:
    with path.open("rb") as file:
        return sum(file.read(min(_PIECE, place - at)).count(b"\n") for at in range(0, place, _PIECE))


def _unreadable(path: Path, number: int, error: Exception) -> InputError:
    what = f"Structure {number} of {path} cannot be read"
    if isinstance(error, FrameError):
        return InputError(f"{what}, line {error.line}: {str(error).rstrip('.')}.")
    return InputError(f"{what}: {type(error).__name__}: {str(error)[:1000].rstrip('.')}.")
