"""Partial output file of packed structures, for formats to which structures cannot be added one by one."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ase.io
from ase import Atoms

from adatom.configs.columns import pack, unpack
from adatom.configs.groups import named
from adatom.configs.writing import write_structures
from adatom.errors import StorageError
from adatom.settings import get_settings
from adatom.utils.keyed import pickle_key, signed, verified
from adatom.utils.trust import open_trusted

if TYPE_CHECKING:
    from ase.io.formats import IOFormat

__all__ = ["converted", "packed", "private", "unpacked", "write_all"]

_SIZE = struct.Struct("<Q")  # number of bytes that follow


def packed(structures: Sequence[Atoms]) -> bytes:
    """Return structures as bytes that can be added to a partial file.

    Parameters
    ----------
    structures
        Structures to add, in order.
    """
    data = signed(pack(structures), pickle_key(get_settings().key_file))
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
        Somebody else could have written the file, or another key has signed it.
    """
    key = pickle_key(get_settings().key_file)
    with open_trusted(path, own_directory=False) as file:
        whole = os.fstat(file.fileno()).st_size
        while head := file.read(_SIZE.size):
            size = int.from_bytes(head, "little")
            try:
                if size > whole - file.tell():  # else a flipped bit asks for any amount of memory
                    raise StorageError("it is damaged")
                data = verified(file.read(size), key)
            except StorageError as error:
                raise StorageError(f"{path} cannot be read: {error}.") from error
            yield from unpack(data)


def converted(
    partial: Path, path: Path, kind: IOFormat | None, names: Iterable[str] | None, options: Mapping[str, Any]
) -> Path:
    """Write the structures of a partial file in another format, and return the path of the new file.

    Parameters
    ----------
    partial
        Path of the partial file.
    path
        Path that the new file is to have in the end; its ending may select a compression.
    kind
        Format of the new file, as ASE knows it; None: the file is a store.
    names
        Names of the groups that the structures belong to; None: the new file cannot hold them.
    options
        Arguments of `ase.io.write`.
    """
    whole = path.with_name(f".whole-{path.name}")
    structures = unpacked(partial) if names is None else named(unpacked(partial), names)
    if kind is None or kind.name == "extxyz":
        write_structures(structures, whole, options)
    else:
        ase.io.write(whole, list(structures), format=kind.name, **options)
    return whole


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
