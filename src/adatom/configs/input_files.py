"""Files that hold the inputs of an operation."""

from __future__ import annotations

from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Any

from adatom.cache.canonical import digest
from adatom.configs.configset import ConfigSet
from adatom.configs.frames import Frames

__all__ = ["files_of", "paths_of", "place_of"]


def files_of(inputs: Any) -> Any:
    """Describe a set by its files and hashes of their contents, which tells sets apart without reading structures.

    Parameters
    ----------
    inputs
        A `ConfigSet`, or any other iterable.

    Returns
    -------
    list or None
        Path, hash, reading options and hash of the indices for each file; None if not all structures are in files.
    """
    if not isinstance(inputs, ConfigSet):
        return None
    found: list[Any] = []
    known: dict[Path, str] = {}
    for leaf in inputs._leaves():
        if not isinstance(leaf, Frames):
            return None
        path = leaf.path.absolute()
        if path not in known:
            with path.open("rb") as file:
                known[path] = file_digest(file, "blake2b").hexdigest()[:32]
        numbers = None if leaf.numbers is None else digest(repr(leaf.numbers))
        found.append([str(path), known[path], repr(sorted(leaf.read_kwargs.items())), numbers])
    return found


def paths_of(inputs: Any) -> list[Path]:
    """Return the files that hold structures of the inputs.

    Parameters
    ----------
    inputs
        A `ConfigSet`, or any other iterable, which has no files.
    """
    return [leaf.path for leaf in inputs._leaves() if isinstance(leaf, Frames)] if isinstance(inputs, ConfigSet) else []


def place_of(inputs: Any, number: int) -> str:
    """Return number and file of an item as part of a message; an empty text if the item is in no file.

    Parameters
    ----------
    inputs
        A `ConfigSet`, or any other iterable, which has no files.
    number
        Index of the item in the inputs, counted from 0.
    """
    if not isinstance(inputs, ConfigSet):
        return ""
    source = next(islice(inputs.sources(), number, None), None)
    return f", number {source.number} of {source.file}" if source and source.file else ""
