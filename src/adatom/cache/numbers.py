"""Canonical text of numbers and arrays: the value counts, and not the width or kind of number that holds it."""

from __future__ import annotations

from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from typing import Any

import numpy as np

from adatom.cache.unhashable import digest

__all__ = ["PLAIN", "array_text", "scalar_text"]


def _float(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def scalar_text(value: np.generic) -> str:
    """Return the text of a number of numpy: that of Python's number, if there is one of the same value.

    Parameters
    ----------
    value
        Number, string or time, without fields.
    """
    plain = value.item()
    if value.dtype.kind in "mM" or type(plain) not in PLAIN:  # an integer of `item` would have lost its unit
        return f"{value.dtype.str}:{value!r}"
    return PLAIN[type(plain)](plain)


def array_text(value: np.ndarray[Any, Any]) -> str:
    """Return the text of an array: shape, kind and a digest of its content.

    Parameters
    ----------
    value
        Array without objects and fields.
    """
    if value.dtype.kind == "f":
        rest = ""
        if value.dtype.itemsize > 8:  # of the bytes of such a number some are padding
            high = value.astype(np.float64)
            low = np.where(np.isfinite(high), value - high, 0).astype(np.float64)
            rest = array_text(low) if low.any() else ""
        value = value.astype(np.float64) + 0.0  # adding zero makes negative zeros positive
        whole = value.astype(np.int64) if _may_be_whole(value) else None
        value = whole if whole is not None and (whole == value).all() else value
        return f"{_described(value)}{rest}"
    if value.dtype.kind in "iu" and value.dtype != np.uint64:
        value = value.astype(np.int64)
    return _described(value)


def _may_be_whole(value: np.ndarray[Any, Any]) -> bool:
    start = value.flat[:16]  # most arrays of other numbers are told by their beginning
    return bool((start == np.rint(start)).all() and np.isfinite(value).all() and (abs(value) < 2**53).all())


def _described(value: np.ndarray[Any, Any]) -> str:
    flat = np.ascontiguousarray(value).reshape(-1)
    content = digest(flat.view(np.uint8).data) if value.size and value.itemsize else ""
    return f"array{value.shape}{value.dtype.str}:{content}"


def _complex(value: complex) -> str:
    return f"complex({_float(value.real)},{_float(value.imag)})"


PLAIN: dict[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii,
    int: str,
    float: _float,
    bool: str,
    type(None): str,
    complex: _complex,
    bytes: lambda value: f"bytes:{digest(value)}",
    type(...): str,
}
