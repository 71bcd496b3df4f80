"""Format of an entry, a file of the store: a checksum, a header and the encoded result."""

from __future__ import annotations

import io
import json
import pickle
import time
from collections.abc import Callable, Mapping
from typing import Any

import cloudpickle

from adatom.cache.canonical import digest
from adatom.cache.key import Key
from adatom.cache.payload import from_payload, to_json, to_payload
from adatom.cache.types import dump_object, load_object
from adatom.errors import StorageError
from adatom.utils.keyed import signed, verified
from adatom.utils.plain import NotPlainError

__all__ = ["FORMAT", "Entry", "entry_bytes", "read_entry", "read_value"]

FORMAT = 2
_MAGIC = b"adatom result"


class Entry:
    """Header of an entry.

    Parameters
    ----------
    head
        Second line of the file, read as JSON.

    Attributes
    ----------
    key
        Digest of the key of the call.
    recipe
        Module and name of the function, ``module:name``.
    parts
        Named pieces of the key, as in `Key.parts`.
    created
        Time of writing, in seconds since the epoch.
    codec
        Encoding of the result: ``"data"`` for plain data, ``"pickle"`` for a result that holds other objects.
    """

    def __init__(self, head: Mapping[str, Any]) -> None:
        self.key: str = head["key"]
        self.recipe: str = head["recipe"]
        self.parts: dict[str, str] = head["parts"]
        self.created: float = head["created"]
        self.codec: str = head["codec"]


def entry_bytes(key: Key, value: Any, secret: Callable[[], bytes]) -> bytes:
    """Return the bytes of an entry.

    Parameters
    ----------
    key
        Key of the call that gave the result.
    value
        Result of the job. A result that is not plain data is pickled; structures lose their calculators.
    secret
        Function that returns the key to sign a pickle with.

    Raises
    ------
    StorageError
        The result is not plain data and cannot be pickled.
    """
    codec, payload = _encoded(value)
    if codec == "pickle":
        payload = signed(payload, secret())
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
    """Return the header of an entry and its encoded result.

    Parameters
    ----------
    file
        Open file, at its beginning.

    Raises
    ------
    ValueError
        The file is no entry, is of another format, or is damaged.
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


def read_value(entry: Entry, payload: bytes, secret: Callable[[], bytes]) -> Any:
    """Return the result of an entry. Reading a pickle runs code.

    Parameters
    ----------
    entry
        Header that `read_entry` returned.
    payload
        Encoded result that `read_entry` returned.
    secret
        Function that returns the key that a pickle was signed with.

    Raises
    ------
    StorageError
        The pickle was signed with another key.
    """
    return pickle.loads(verified(payload, secret())) if entry.codec == "pickle" else from_payload(payload)


def _encoded(value: Any) -> tuple[str, bytes]:
    try:
        return "data", to_payload(value)
    except (NotPlainError, ValueError, RecursionError):  # JSON refuses integers of very many digits
        pass
    try:
        return "pickle", _pickled(value)
    except Exception as error:
        raise StorageError(f"Cannot store a {type(value).__name__}: {error}.") from error


class _WithoutCalculators(cloudpickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        held = dump_object(value)
        return super().reducer_override(value) if held is None else (load_object, (held,))


def _pickled(value: Any) -> bytes:
    buffer = io.BytesIO()
    _WithoutCalculators(buffer, protocol=5).dump(value)
    return buffer.getvalue()
