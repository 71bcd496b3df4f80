"""Encoding of data that is attached to structures as JSON, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from adatom.errors import InputError

__all__ = ["from_plain", "to_plain"]

_TAG = "__adatom__"
_SIMPLE = (str, bool, int, float, type(None))


def to_plain(value: Any) -> Any:
    """Return a value as data for JSON, from which `from_plain` restores its type.

    Parameters
    ----------
    value
        Strings, numbers, booleans, None, and arrays, lists, tuples and dictionaries of these; numbers also of NumPy.

    Raises
    ------
    InputError
        The value is, or holds, an object of another type.
    """
    kind = type(value)
    if kind in _SIMPLE:
        return value
    if kind is list:
        return [to_plain(item) for item in value]
    if kind is dict and all(type(key) is str for key in value) and _TAG not in value:
        return {key: to_plain(item) for key, item in value.items()}
    if kind is dict:
        return {_TAG: "dict", "items": [[to_plain(key), to_plain(item)] for key, item in value.items()]}
    if kind is tuple:
        return {_TAG: "tuple", "items": [to_plain(item) for item in value]}
    if kind is complex:
        return {_TAG: "complex", "parts": [value.real, value.imag]}
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.kind in "biufcSU":
            items: Any = np.ascontiguousarray(array).tobytes().hex()
        elif array.dtype.kind == "O":
            items = [to_plain(item) for item in array.ravel().tolist()]
        else:
            raise _refused(value)
        tag = "array" if isinstance(value, np.ndarray) else "number"
        return {_TAG: tag, "dtype": array.dtype.str, "shape": array.shape, "items": items}
    raise _refused(value)


def from_plain(value: Any) -> Any:
    """Return the value that `to_plain` encoded.

    Parameters
    ----------
    value
        Data that `to_plain` returned, also after a way through JSON.
    """
    if type(value) is list:
        return [from_plain(item) for item in value]
    if type(value) is not dict:
        return value
    match value.get(_TAG):
        case None:
            return {key: from_plain(item) for key, item in value.items()}
        case "dict":
            return {from_plain(key): from_plain(item) for key, item in value["items"]}
        case "tuple":
            return tuple(from_plain(item) for item in value["items"])
        case "complex":
            return complex(*value["parts"])
    dtype = np.dtype(value["dtype"])
    if dtype.kind == "O":
        array = np.empty(len(value["items"]), object)
        array[:] = [from_plain(item) for item in value["items"]]
    else:
        array = np.frombuffer(bytearray.fromhex(value["items"]), dtype)
    array = array.reshape(value["shape"])
    return array if value[_TAG] == "array" else array[()]


def _refused(value: Any) -> InputError:
    return InputError(
        f"{value!r} cannot be stored with a structure. Valid: numbers, strings, booleans, None, and arrays, lists, "
        "tuples and dictionaries of these."
    )
