"""Futures inside lists, tuples, dictionaries and dataclasses."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any

__all__ = ["substitute"]

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
    kind = type(value)
    if kind in _LEAVES:
        return value
    if isinstance(value, dict):
        items = {key: substitute(item, of_type, change) for key, item in value.items()}
        if all(items[key] is item for key, item in value.items()):
            return value
        if kind is dict:
            return items
        like = copy(value)  # an ordered or default dictionary
        like.update(items)
        return like
    if kind in (list, tuple, set, frozenset) or (isinstance(value, tuple) and hasattr(value, "_fields")):
        new = [substitute(item, of_type, change) for item in value]
        if all(after is before for after, before in zip(new, value, strict=True)):
            return value
        return kind(*new) if hasattr(value, "_fields") else kind(new)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {}
        for field in fields(value):
            if field.init:
                before = getattr(value, field.name)
                after = substitute(before, of_type, change)
                if after is not before:
                    changes[field.name] = after
        return replace(value, **changes) if changes else value
    return value


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

    def note(item: Any) -> Any:
        found.append(item)
        return item

    substitute(value, of_type, note)
    return found
