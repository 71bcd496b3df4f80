"""The files that the inputs of an operation are in."""

from __future__ import annotations

from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Any

from adatom.configs.configset import ConfigSet
from adatom.configs.frames import Frames
from adatom.configs.journal import digest_of

__all__ = ["files_of", "paths_of", "place_of"]


def files_of(inputs: Any) -> Any:
    """What says without reading a structure whether a set is the same: its files, and what is in them.

    Parameters
    ----------
    inputs
        The set, or any iterable.

    Returns
    -------
    list or None
        None if not all of it is in files.
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
        numbers = None if leaf.numbers is None else digest_of([repr(leaf.numbers).encode()])
        found.append([str(path), known[path], repr(sorted(leaf.read_kwargs.items())), numbers])
    return found


def paths_of(inputs: Any) -> list[Path]:
    """The files that inputs are in.

    Parameters
    ----------
    inputs
        A set, or any iterable.
    """
    return [leaf.path for leaf in inputs._leaves() if isinstance(leaf, Frames)] if isinstance(inputs, ConfigSet) else []


def place_of(inputs: Any, number: int) -> str:
    """Where an item is, for a message; empty if it is in no file.

    Parameters
    ----------
    inputs
        A set, or any iterable.
    number
        Of the item.
    """
    if not isinstance(inputs, ConfigSet):
        return ""
    source = next(islice(inputs.sources(), number, None), None)
    return f", number {source.number} of {source.file}" if source and source.file else ""
