"""Futures inside lists, tuples, dictionaries and dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any

__all__ = ["substitute"]

_SEQUENCES = (list, tuple, set, frozenset)
_LEAVES = (str, bytes, int, float, complex, bool, type(None))


def substitute(value: Any, of_type: type | tuple[type, ...], change: Callable[[Any], Any]) -> Any:
    """A structure with each item of a type changed; parts without one are the very same objects.

    Parameters
    ----------
    value
        Lists, tuples, named tuples, sets, dictionaries and dataclasses, nested to any depth.
    of_type
        The type, or types, of the items to change.
    change
        Gives the new item.

    Returns
    -------
    Any
        `value`, of the same shape.
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
    """The items of a type in a structure, in order.

    Parameters
    ----------
    value
        As in `substitute`.
    of_type
        The type, or types, to look for.
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
    """What a container holds; nothing, if it is none."""
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
    """A container like another one, with other parts."""
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
    if _is_named_tuple(value):
        return kind(*parts)
    return replace(value, **dict(zip((field.name for field in fields(value) if field.init), parts, strict=True)))


def _is_named_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")
