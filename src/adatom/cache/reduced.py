"""The parts of an object that tell it from others of its type, as `pickle` would keep them."""

from __future__ import annotations

import copyreg
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper, cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from adatom.cache.packages import is_builtin, module_of, package_of

__all__ = ["WRAPPERS", "find_importable", "is_made", "reduced", "type_name"]

# Types that hold functions and cannot be pickled: the attributes that count.
WRAPPERS: dict[type, tuple[str, ...]] = {
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    cached_property: ("func",),
    _lru_cache_wrapper: ("__wrapped__",),
}
# Types that cannot be pickled, and what they are made of.
_PLAINLY: dict[type, Callable[[Any], Any]] = {
    MappingProxyType: dict,
    memoryview: lambda view: (view.format, view.shape, view.tobytes()),
    type({}.keys()): list,
    type({}.values()): list,
    type({}.items()): list,
}


_HEAP = 1 << 9  # flag of classes that are made when Python runs


def type_name(value: Any) -> str:
    """Return module and name of an object's type.

    Parameters
    ----------
    value
        Any object.
    """
    return f"{type(value).__module__}.{type(value).__qualname__}"


def reduced(value: Any) -> Any:
    """Return objects that tell an object from all others of its type.

    Parameters
    ----------
    value
        Any object.

    Raises
    ------
    Exception
        The object cannot be pickled, such as a lock, an open file or a generator.
    """
    kind = type(value)
    for known, attributes in WRAPPERS.items():
        if issubclass(kind, known):
            own = {} if kind is known else dict(vars(value))
            return kind, [getattr(value, name, None) for name in attributes], own
    if kind in _PLAINLY:
        return kind, _PLAINLY[kind](value)
    if isinstance(value, set | frozenset):
        return kind, (set(value), getattr(value, "__dict__", None))
    return _as_pickled(value)


def _as_pickled(value: Any) -> Any:
    kind = type(value)
    by_type = copyreg.dispatch_table.get(kind)
    found: Any = by_type(value) if by_type else value.__reduce_ex__(4)
    held = getattr(value, "__dict__", None)
    if isinstance(found, str):
        if held:
            return kind, found, dict(held)
        if find_importable(value, found) is not value:
            raise pickle.PicklingError("no module has it under its name")
        return kind, found
    function, arguments, state, items, pairs, *setter = (*found, None, None, None)[:6]
    if isinstance(value, np.ndarray):  # which leaves the attributes of a user's subclass out
        setter = [*setter, dict(held or {})]
    if isinstance(pairs, Iterator):
        pairs = list(pairs) if isinstance(value, OrderedDict) else dict(pairs)
    return function, arguments, state, list(items) if isinstance(items, Iterator) else items, pairs, *setter


def find_importable(value: Any, name: str | None = None) -> Any:
    """Return what can be imported under the name of an object; None if there is nothing.

    Parameters
    ----------
    value
        Function, class, or any object with a name.
    name
        Name inside its module; None: the name that the object itself says.
    """
    name = name or getattr(value, "__qualname__", None) or ""
    for home in (value, getattr(value, "__self__", None)):
        module = getattr(home, "__module__", None)
        found: Any = sys.modules.get(module) if isinstance(module, str) else None
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is value or getattr(found, "__func__", None) is value:
            return value
        name = name.rpartition(".")[2]  # methods of a module's hidden object, such as `random.random`
    if isinstance(value, np.ufunc):  # which does not say its module
        return next((value for module in list(sys.modules.values()) if getattr(module, name, None) is value), None)
    return None


def is_made(value: Any) -> bool:
    """Return whether a library made a function or class for the user, as `functools.wraps` and `make_dataclass` do.

    Parameters
    ----------
    value
        Function or class.
    """
    if isinstance(value, type) and not (value.__flags__ & _HEAP and is_builtin(package_of(value))):
        return False
    return not module_of(value).startswith("_cython_") and not find_importable(value)
