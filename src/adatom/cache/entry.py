"""A file of the store: what it says of itself, and the result."""

from __future__ import annotations

import io
import json
import pickle
import time
from collections.abc import Mapping
from typing import Any

import cloudpickle

from adatom.cache.canonical import digest
from adatom.cache.form import NotPlainError, from_plain, to_json, to_plain
from adatom.cache.key import Key
from adatom.cache.types import support
from adatom.errors import StorageError

__all__ = ["FORMAT", "Entry", "entry_bytes", "read_entry", "read_value"]

FORMAT = 1
_MAGIC = b"adatom result"


class Entry:
    """What a file of the store says of itself.

    Parameters
    ----------
    head
        Its second line, as data.

    Attributes
    ----------
    key, recipe
        As in `Key`.
    parts
        What the key was made of.
    created
        When, in seconds since the epoch.
    codec
        How the result is written: ``"data"``, or ``"pickle"`` where it is more than that.
    """

    def __init__(self, head: Mapping[str, Any]) -> None:
        self.key: str = head["key"]
        self.recipe: str = head["recipe"]
        self.parts: dict[str, str] = head["parts"]
        self.created: float = head["created"]
        self.codec: str = head["codec"]


def entry_bytes(key: Key, value: Any) -> bytes:
    """A result as the bytes of a file.

    Parameters
    ----------
    key
        Its key.
    value
        The result.

    Raises
    ------
    StorageError
        It cannot be pickled.
    """
    codec, payload = _encoded(value)
    head = {
        "key": key.digest,
        "recipe": key.recipe,
        "parts": dict(key.parts),
        "created": time.time(),
        "codec": codec,
    }
    body = to_json(head) + b"\n" + payload
    return b"%s %d %s\n%s" % (_MAGIC, FORMAT, digest(body).encode(), body)


def read_entry(file: io.BufferedReader) -> tuple[Entry, bytes]:
    """What a file says of itself, and its result in bytes.

    Parameters
    ----------
    file
        The file, open.

    Raises
    ------
    ValueError
        It is no file of the store, or is damaged.
    """
    line = file.readline(200).split()
    if len(line) != 4 or b" ".join(line[:2]) != _MAGIC:
        raise ValueError("it is no file of the cache, or its beginning is lost")
    if line[2] != b"%d" % FORMAT:
        raise ValueError(f"it is of format {line[2].decode(errors='replace')}")
    body = file.read()
    if digest(body).encode() != line[3]:
        raise ValueError("it is damaged: its checksum is wrong")
    end = body.index(b"\n")
    return Entry(json.loads(body[:end])), body[end + 1 :]


def read_value(entry: Entry, payload: bytes) -> Any:
    """The result. Where it is a pickle, this runs code.

    Parameters
    ----------
    entry, payload
        What `read_entry` gave.
    """
    return pickle.loads(payload) if entry.codec == "pickle" else from_plain(payload)


def _encoded(value: Any) -> tuple[str, bytes]:
    try:
        return "data", to_plain(value)
    except (NotPlainError, ValueError, RecursionError):
        pass
    try:
        return "pickle", _pickled(value)
    except Exception as error:
        raise StorageError(f"Cannot store a {type(value).__name__}: {error}.") from error


class _WithoutCalculators(cloudpickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        helper = support(type(value).__module__.partition(".")[0])
        known = helper.dump(value) if helper else None
        if helper and known is not None:
            return helper.load, known
        return super().reducer_override(value)


def _pickled(value: Any) -> bytes:
    buffer = io.BytesIO()
    _WithoutCalculators(buffer, protocol=5).dump(value)
    return buffer.getvalue()
