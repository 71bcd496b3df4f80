"""Search and replacement of items inside lists, tuples, dictionaries and dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any

__all__ = ["substitute"]

_SEQUENCES = (list, tuple, set, frozenset)
_LEAVES = (str, bytes, int, float, complex, bool, type(None))


def substitute(value: Any, of_type: type | tuple[type, ...], change: Callable[[Any], Any]) -> Any:
    """Return a nested value with each item of a type changed; parts without such an item stay the same objects.

    Parameters
    ----------
    value
        Lists, tuples, named tuples, sets, dictionaries and dataclasses, nested to any depth.
    of_type
        Type, or types, of the items to change.
    change
        Function that returns the new item for an old one.

    Returns
    -------
    Any
        Nested value of the same shape.
    """
    if isinstance(value, of_type):
        return change(value)
    parts = _parts(value)
    if not parts:
        return value
    new = [substitute(part, of_type, change) for part in parts]
    if all(after is before for after, before in zip(new, parts, strict=True)):
        return value
    return _rebuilt(value, new)


def collect(value: Any, of_type: type | tuple[type, ...]) -> list[Any]:
    """Return the items of a type in a nested value, in order.

    Parameters
    ----------
    value
        Same as in `substitute`.
    of_type
        Type, or types, of the items to find.
    """
    found: list[Any] = []
    _look(value, of_type, found)
    return found


def _look(value: Any, of_type: type | tuple[type, ...], found: list[Any]) -> None:
    if isinstance(value, of_type):
        found.append(value)
    else:
        for part in _parts(value):
            _look(part, of_type, found)


def _parts(value: Any) -> Collection[Any]:
    """Return the parts of a container, or nothing for any other value."""
    kind = type(value)
    if kind in _LEAVES:
        return ()
    if isinstance(value, dict):
        return value.values()
    if kind in _SEQUENCES or _is_named_tuple(value):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value) if field.init]
    return ()


def _rebuilt(value: Any, parts: list[Any]) -> Any:
    """Return a container of the same kind with other parts."""
    kind = type(value)
    if isinstance(value, dict):
        items = dict(zip(value, parts, strict=True))
        if kind is dict:
            return items
        like = copy(value)  # such as a default dictionary, with its factory
        like.update(items)
        return like
    if kind in _SEQUENCES:
        return kind(parts)
    if _is_named_tuple(value):
        return kind(*parts)
    return replace(value, **dict(zip((field.name for field in fields(value) if field.init), parts, strict=True)))


def _is_named_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")
