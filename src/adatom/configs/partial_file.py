"""Partial output file of packed structures, for formats to which structures cannot be added one by one."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from io import RawIOBase
from pathlib import Path

from ase import Atoms

from adatom.configs.columns import pack, unpack
from adatom.utils.trust import open_trusted

__all__ = ["packed", "private", "unpacked", "write_all"]

_SIZE = struct.Struct("<Q")  # number of bytes that follow


def packed(structures: Sequence[Atoms]) -> bytes:
    """Return structures as bytes that can be added to a partial file.

    Parameters
    ----------
    structures
        Structures to add, in order.
    """
    data = pack(structures)
    return _SIZE.pack(len(data)) + data


def unpacked(path: Path) -> Iterator[Atoms]:
    """Yield the structures of a partial file, with those of one addition in memory at a time.

    Parameters
    ----------
    path
        Path of the partial file.

    Raises
    ------
    StorageError
        Somebody else could have written the file.
    """
    with open_trusted(path, own_directory=False) as file:
        while size := file.read(_SIZE.size):
            yield from unpack(file.read(_SIZE.unpack(size)[0]))


def private(path: str, flags: int) -> int:
    """Open a partial file of pickles, for `open`. Only its owner can write to it, whatever the user's mask is.

    Parameters
    ----------
    path, flags
        Same as in `os.open`.
    """
    return os.open(path, flags, 0o600)


def write_all(file: RawIOBase, data: bytes) -> None:
    """Write all bytes to a file that is not buffered, whose `write` may write only some of them.

    Parameters
    ----------
    file
        File that is open for writing.
    data
        Bytes to write to the file.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) or 0 :]
