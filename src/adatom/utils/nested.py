"""Find and replace items inside lists, tuples, sets, dictionaries and dataclasses."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection
from copy import copy
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any

__all__ = ["collect", "substitute"]

_SEQUENCES = (list, tuple, set, frozenset)
_Reader = Callable[[Any], Collection[Any]]


def collect(value: Any, of_type: type | tuple[type, ...]) -> list[Any]:
    """Return the items of a type inside a structure, in order.

    Parameters
    ----------
    value
        Lists, tuples, named tuples, sets, dictionaries and dataclasses, nested to any depth.
    of_type
        Type, or tuple of types, of the items.

    Raises
    ------
    RecursionError
        A container contains itself.
    """
    found: list[Any] = []
    if isinstance(value, of_type):
        found.append(value)
    elif read := _reader(type(value)):
        _collect(read(value), of_type, found)
    return found


def _collect(parts: Collection[Any], of_type: type | tuple[type, ...], found: list[Any]) -> None:
    for part in parts:
        if isinstance(part, of_type):
            found.append(part)
        elif read := _reader(type(part)):
            _collect(read(part), of_type, found)


def substitute(value: Any, of_type: type | tuple[type, ...], change: Callable[[Any], Any]) -> Any:
    """Return a structure with each item of a type replaced; parts without such an item stay the same objects.

    Parameters
    ----------
    value, of_type
        Structure and type of the items, as for `collect`.
    change
        Function that returns the new item.
    """
    if isinstance(value, of_type):
        return change(value)
    read = _reader(type(value))
    if not read:
        return value
    parts = read(value)
    new = []
    for part in parts:  # not a call for each: most items are numbers and text
        if isinstance(part, of_type):
            part = change(part)
        elif _reader(type(part)):
            part = substitute(part, of_type, change)
        new.append(part)
    return value if all(map(operator.is_, new, parts)) else _rebuilt(value, new)


def _find_reader(kind: type) -> _Reader | None:
    """Return the function that lists the items of a container of this type; None for other types."""
    if issubclass(kind, dict):
        return dict.values
    if kind in _SEQUENCES or _is_named_tuple(kind):
        return list if issubclass(kind, (set, frozenset)) else tuple
    if is_dataclass(kind):
        names = [field.name for field in fields(kind) if field.init]
        return lambda value: [getattr(value, name) for name in names]
    return None


# Asked for each item of each argument and result.
_reader: Callable[[Any], _Reader | None] = lru_cache(maxsize=1024)(_find_reader)


def _rebuilt(value: Any, parts: list[Any]) -> Any:
    """Return a container of the same type with other items."""
    kind = type(value)
    if isinstance(value, dict):
        items = dict(zip(value, parts, strict=True))
        if kind is dict:
            return items
        like = copy(value)  # an ordered or default dictionary
        like.update(items)
        return like
    if kind in _SEQUENCES:
        return kind(parts)
    if _is_named_tuple(kind):
        return kind(*parts)
    return replace(value, **dict(zip((field.name for field in fields(value) if field.init), parts, strict=True)))


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")
