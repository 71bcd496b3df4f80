"""Partial output file of packed structures, for formats to which structures cannot be added one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from io import RawIOBase
from pathlib import Path

from ase import Atoms

from adatom.configs.columns import pack, unpack

__all__ = ["packed", "unpacked", "write_all"]

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
    """
    with path.open("rb") as file:
        while size := file.read(_SIZE.size):
            yield from unpack(file.read(_SIZE.unpack(size)[0]))


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
