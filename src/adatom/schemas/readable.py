"""Conversion of parameters of any type into values for the reader of a result document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

__all__ = ["readable"]


def readable(value: Any) -> Any:
    """Return a value made of types that JSON and ASE's encoder know, which tells a reader what the value was.

    Parameters
    ----------
    value
        Value of any type. Arrays stay arrays, sets become sorted lists, objects with ``todict`` become dictionaries,
        classes and functions become their names, paths become text, and other objects become their ``repr``:
        parameters are kept to be read, not to be run again. `utils.plain` restores values with their types.

    Returns
    -------
    Any
        Copy that shares only immutable objects with `value`.
    """
    if type(value) in _LEAVES:
        return value
    for types, convert in _CONVERSIONS:
        if isinstance(value, types):
            return convert(value)
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "todict"):
        return readable(value.todict())
    return str(value) if hasattr(value, "__fspath__") else repr(value)


_LEAVES = frozenset({bool, int, float, complex, str, type(None)})


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    found = {}
    for key, item in value.items():  # not a call for each: most values are numbers and text
        found[str(key)] = item if type(item) in _LEAVES else readable(item)
    return found


def _sequence(value: Iterable[Any]) -> list[Any]:
    found = []
    for item in value:
        found.append(item if type(item) in _LEAVES else readable(item))
    return found


_CONVERSIONS: list[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = [
    ((bool, int, float, complex, str, type(None)), lambda value: value),
    (np.generic, lambda value: value.item()),
    (np.ndarray, lambda value: value.copy()),
    (Mapping, _mapping),
    ((list, tuple), _sequence),
    ((set, frozenset), lambda value: sorted(_sequence(value), key=repr)),
]
