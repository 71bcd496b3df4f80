"""Payload of an entry: a result as JSON, followed by the bytes of its arrays."""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adatom.cache.types import dump_object, load_object
from adatom.utils.plain import Decoder, Encoder

__all__ = ["from_payload", "to_json", "to_payload"]

# `json.dumps` with other separators than its own makes a new encoder in each call.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_LARGE = 1 << 14  # bytes; larger arrays are compressed


def to_json(tree: Any) -> bytes:
    """Return data as JSON without spaces.

    Parameters
    ----------
    tree
        Dictionaries with text as keys, lists, text, numbers, booleans and None.
    """
    return _encode(tree).encode()


def to_payload(value: Any) -> bytes:
    """Return a value as bytes.

    Parameters
    ----------
    value
        Anything that `utils.plain.Encoder` can encode, with objects of registered types.

    Raises
    ------
    NotPlainError
        The value is, or holds, an object of another type.
    """
    pieces: list[bytes] = []
    end = 0

    def keep_array(array: NDArray[Any]) -> list[Any]:
        nonlocal end
        data = array.tobytes()
        packed = len(data) >= _LARGE
        if packed:
            data = zlib.compress(data, 1)
        start, end = end, end + len(data)
        pieces.append(data)
        return [array.dtype.str, array.shape, start, len(data), packed]

    tree = to_json(Encoder(keep_array, dump_object).encode(value))
    return b"".join([len(tree).to_bytes(8, "little"), tree, *pieces])


def from_payload(data: bytes) -> Any:
    """Return the value that `to_payload` was given.

    Parameters
    ----------
    data
        Bytes that `to_payload` returned.
    """
    size = int.from_bytes(data[:8], "little")
    arrays = memoryview(data)[8 + size :]

    def read_array(kept: list[Any]) -> NDArray[Any]:
        dtype, shape, start, length, packed = kept
        part = arrays[start : start + length]
        return np.frombuffer(bytearray(zlib.decompress(part) if packed else part), dtype).reshape(shape)

    return Decoder(read_array, load_object).decode(json.loads(data[8 : 8 + size]))
