"""Encoding of results as JSON and arrays, from which values come back with their types."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from adatom.cache.types import support

__all__ = ["NotPlainError", "from_plain", "to_json", "to_plain"]

# `json.dumps` with other separators than its own makes a new encoder in each call.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_SCALARS = frozenset({type(None), bool, int, float, str})
_TEXT = frozenset({str})
_LARGE = 1 << 14  # bytes; larger arrays are compressed
_TAG = "!"  # only key of a dictionary that stands for a value of another type


class NotPlainError(TypeError):
    """A value that is not plain data, or holds such a value."""


def to_json(tree: Any) -> bytes:
    """Return data as JSON without spaces.

    Parameters
    ----------
    tree
        Dictionaries with text as keys, lists, text, numbers, booleans and None.
    """
    return _encode(tree).encode()


def to_plain(value: Any) -> bytes:
    """Return a value as bytes.

    Parameters
    ----------
    value
        Numbers, text, bytes, paths, arrays, lists, tuples, sets, dictionaries, and objects of registered types.

    Raises
    ------
    NotPlainError
        The value is, or holds, an object of another type.
    """
    arrays: list[bytes] = []
    tree = to_json(_dumped(value, arrays))
    return b"".join([len(tree).to_bytes(8, "little"), tree, *arrays])


def from_plain(data: bytes) -> Any:
    """Return the value that `to_plain` encoded.

    Parameters
    ----------
    data
        Bytes that `to_plain` returned.
    """
    size = int.from_bytes(data[:8], "little")
    return _loaded(json.loads(data[8 : 8 + size]), memoryview(data)[8 + size :])


def _dumped(value: Any, arrays: list[bytes]) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is list:
        return [item if type(item) in _SCALARS else _dumped(item, arrays) for item in value]
    if kind is dict:
        if set(map(type, value)) <= _TEXT and not (len(value) == 1 and _TAG in value):
            # Most values in a result are scalars; looking at them here saves two calls of three.
            return {key: item if type(item) in _SCALARS else _dumped(item, arrays) for key, item in value.items()}
        return _tagged("dict", [[_dumped(key, arrays), _dumped(item, arrays)] for key, item in value.items()])
    if kind in (tuple, set, frozenset):
        return _tagged(kind.__name__, [_dumped(item, arrays) for item in value])
    if isinstance(value, np.generic):
        if value.dtype.hasobject or value.dtype.names:
            raise NotPlainError(f"a {kind.__name__}")
        return _tagged("scalar", _kept(np.asarray(value), arrays))
    if kind is np.ndarray:
        if value.dtype.hasobject or value.dtype.names:
            raise NotPlainError(f"an array of {value.dtype}")
        return _tagged("array", _kept(value, arrays))
    if kind is bytes:
        return _tagged("bytes", base64.b85encode(value).decode())
    if kind is complex:
        return _tagged("complex", [value.real, value.imag])
    if isinstance(value, Path):
        return _tagged("path", str(value))
    package = kind.__module__.partition(".")[0]
    helper = support(package)
    known = helper.dump(value) if helper else None
    if known is None:
        raise NotPlainError(f"a {kind.__module__}.{kind.__qualname__}")
    return _tagged("object", [package, known[0], _dumped(known[1], arrays)])


def _tagged(kind: str, data: Any) -> dict[str, Any]:
    return {_TAG: [kind, data]}


def _kept(array: Any, arrays: list[bytes]) -> list[Any]:
    data = np.ascontiguousarray(array).tobytes()
    packed = len(data) >= _LARGE
    if packed:
        data = zlib.compress(data, 1)
    start = sum(map(len, arrays))
    arrays.append(data)
    return [array.dtype.str, list(array.shape), start, len(data), packed]


def _loaded(tree: Any, arrays: memoryview) -> Any:
    if type(tree) is list:
        return [_loaded(item, arrays) for item in tree]
    if type(tree) is not dict:
        return tree
    if _TAG not in tree or len(tree) != 1:
        return {key: _loaded(item, arrays) for key, item in tree.items()}
    kind, data = tree[_TAG]
    return _TAGS[kind](data, arrays)


def _array(data: Any, arrays: memoryview) -> Any:
    dtype, shape, start, size, packed = data
    part = arrays[start : start + size]
    return np.frombuffer(bytearray(zlib.decompress(part) if packed else part), dtype).reshape(shape)


def _object(data: Any, arrays: memoryview) -> Any:
    package, name, held = data
    helper = support(package)
    if helper is None:
        raise NotPlainError(f"{name} of {package}, which nothing here knows")
    return helper.load(name, _loaded(held, arrays))


_TAGS: dict[str, Callable[[Any, memoryview], Any]] = {
    "array": _array,
    "scalar": lambda data, arrays: _array(data, arrays)[()],
    "object": _object,
    "dict": lambda data, arrays: {_loaded(key, arrays): _loaded(item, arrays) for key, item in data},
    "tuple": lambda data, arrays: tuple(_loaded(item, arrays) for item in data),
    "set": lambda data, arrays: {_loaded(item, arrays) for item in data},
    "frozenset": lambda data, arrays: frozenset(_loaded(item, arrays) for item in data),
    "bytes": lambda data, arrays: base64.b85decode(data),
    "complex": lambda data, arrays: complex(*data),
    "path": lambda data, arrays: Path(data),
}
