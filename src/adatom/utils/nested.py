"""Find, replace and copy items inside containers.

Containers are lists, deques, tuples, named tuples, sets, dictionaries and their views, dataclasses, pydantic models,
simple namespaces, and arrays of objects.
"""

from __future__ import annotations

import gc
import operator
import types
from collections import deque
from collections.abc import Callable, Collection, ItemsView, KeysView, ValuesView
from copy import copy, deepcopy
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["collect", "copied", "find_holder", "substitute"]


def collect(value: Any, of_type: type | tuple[type, ...]) -> list[Any]:
    """Return the items of a type inside a structure, in order.

    Parameters
    ----------
    value
        Containers, nested to any depth.
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


def copied(value: Any) -> Any:
    """Return a copy that shares nothing with a structure but what cannot be copied, such as open files.

    Parameters
    ----------
    value
        Structure to copy.
    """
    try:
        return deepcopy(value)
    except Exception:
        read = _reader(type(value))
        return _rebuilt(value, [copied(part) for part in read(value)]) if read else value


def find_holder(value: Any, of_type: type | tuple[type, ...]) -> Any:
    """Return an object in which an item of a type is where `collect` does not look; None if there is none.

    Parameters
    ----------
    value, of_type
        Structure and type of the items, as for `collect`.
    """
    parts, seen = [value], set()
    while parts:
        part = parts.pop()
        if isinstance(part, of_type) or id(part) in seen or (not gc.is_tracked(part) and not _reader(type(part))):
            continue
        seen.add(id(part))
        if read := _reader(type(part)):
            if isinstance(part, dict) and any(isinstance(key, of_type) for key in part):
                return part
            parts += read(part)
        elif _refers_to(part, of_type):
            return part
    return None


# Objects that refer to all of a module, or to what ran when an exception was raised.
_CODE = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.CodeType,
    types.FrameType,
    types.TracebackType,
)


def _refers_to(value: Any, of_type: type | tuple[type, ...]) -> bool:
    """Return whether an item of a type can be reached from an object, other than through code."""
    left, seen = [value], {id(value)}
    while left:
        for part in gc.get_referents(left.pop()):
            if isinstance(part, of_type):
                return True
            if id(part) not in seen and gc.is_tracked(part) and not isinstance(part, _CODE):
                seen.add(id(part))
                left.append(part)
    return False


_Reader = Callable[[Any], Collection[Any]]


class _Container(NamedTuple):
    """Functions that list the items of a container, and that make one like it with other items."""

    read: _Reader
    rebuild: Callable[[Any, list[Any]], Any]


def _dictionary(value: Any, parts: list[Any]) -> Any:
    items = dict(zip(value, parts, strict=True))
    if type(value) is dict:
        return items
    like = copy(value)  # an ordered or default dictionary
    like.update(items)
    return like


def _refilled(value: Any, parts: list[Any]) -> Any:
    like = copy(value)
    like.clear()
    like.extend(parts)
    return like


def _with_attributes(names: list[str]) -> Callable[[Any, list[Any]], Any]:
    def rebuild(value: Any, parts: list[Any]) -> Any:
        like = copy(value)  # and not `replace`, which leaves out fields that `__init__` does not take
        for name, part in zip(names, parts, strict=True):
            if part is not getattr(value, name, None):
                object.__setattr__(like, name, part)  # frozen ones, too
        return like

    return rebuild


def _array(value: Any, parts: list[Any]) -> Any:
    like = value.copy()
    for place, part in enumerate(parts):
        like.flat[place] = part
    return like


def _of_builtin(kind: type) -> _Container:
    return _Container(list if issubclass(kind, set | frozenset) else tuple, lambda value, parts: kind(parts))


def _of_named_tuple(kind: type) -> _Container:
    return _Container(tuple, lambda value, parts: kind(*parts))


def _of_dataclass(kind: Any) -> _Container:
    names = [field.name for field in fields(kind)]
    return _Container(lambda value: [getattr(value, name, None) for name in names], _with_attributes(names))


def _of_namespace(kind: type) -> _Container:
    return _Container(
        lambda value: vars(value).values(), lambda value, parts: kind(**dict(zip(vars(value), parts, strict=True)))
    )


def _of_model(kind: Any) -> _Container:
    names = list(kind.model_fields)
    return _Container(
        lambda value: [getattr(value, name) for name in names],
        lambda value, parts: value.model_copy(update=dict(zip(names, parts, strict=True))),
    )


def _of_array(kind: type) -> _Container:
    return _Container(lambda value: value.ravel().tolist() if value.dtype.hasobject else (), _array)


def _derives_from(*bases: type) -> Callable[[type], bool]:
    return lambda kind: issubclass(kind, bases)


# Tests of a type, and what makes its container; the first that fits.
_CONTAINERS: list[tuple[Callable[[type], bool], Callable[[type], _Container]]] = [
    (_derives_from(dict), lambda kind: _Container(dict.values, _dictionary)),
    (lambda kind: kind in (tuple, set, frozenset, list), _of_builtin),
    (_derives_from(list, deque), lambda kind: _Container(tuple, _refilled)),
    (lambda kind: issubclass(kind, tuple) and hasattr(kind, "_fields"), _of_named_tuple),
    (_derives_from(KeysView, ValuesView, ItemsView), lambda kind: _Container(tuple, lambda value, parts: parts)),
    (is_dataclass, _of_dataclass),
    (_derives_from(types.SimpleNamespace), _of_namespace),
    (lambda kind: hasattr(kind, "model_fields") and hasattr(kind, "model_copy"), _of_model),  # pydantic
    (lambda kind: (kind.__module__, kind.__name__) == ("numpy", "ndarray"), _of_array),
]


def _kind_of(kind: type) -> _Container | None:
    """Return how to read and rebuild a container of this type; None for other types."""
    return next((make(kind) for fits, make in _CONTAINERS if fits(kind)), None)


# Asked for each item of each argument and result.
_container: Callable[[Any], _Container | None] = lru_cache(maxsize=1024)(_kind_of)


def _find_reader(kind: type) -> _Reader | None:
    found = _container(kind)
    return found and found.read


_reader: Callable[[Any], _Reader | None] = lru_cache(maxsize=1024)(_find_reader)


def _rebuilt(value: Any, parts: list[Any]) -> Any:
    """Return a container of the same type with other items."""
    found = _container(type(value))
    assert found
    return found.rebuild(value, parts)
