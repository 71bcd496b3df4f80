"""Conversion of parameters of any type into data for a result document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["plain"]

_LEAVES = frozenset({bool, int, float, complex, str, type(None)})


def plain(value: Any) -> Any:
    """Return a value made of types that JSON and ASE's encoder know.

    Parameters
    ----------
    value
        Value of any type. Arrays stay arrays, sets become sorted lists, objects with ``todict`` become dictionaries,
        classes and functions become their names, paths become text, and other objects become their ``repr``:
        parameters are kept to be read, not to be run again.

    Returns
    -------
    Any
        Copy that shares only immutable objects with `value`.
    """
    if value is None or isinstance(value, (int, float, complex, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Mapping):
        plain_items = {}
        for key, item in value.items():  # not a call for each: most values are numbers and text
            plain_items[str(key)] = item if type(item) in _LEAVES else plain(item)
        return plain_items
    if isinstance(value, (list, tuple)):
        return list(map(plain, value))
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "todict"):
        return plain(value.todict())
    return str(value) if hasattr(value, "__fspath__") else repr(value)
