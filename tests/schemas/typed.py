"""Whether a value is what a TypedDict says, which Python itself does not check."""

import types
from typing import Annotated, Any, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np


def violations(value: Any, hint: Any, where: str = "") -> list[str]:
    """What is wrong with a value, and where; nothing if it is what the hint says."""
    origin = get_origin(hint)
    if hint is Any:
        return []
    if origin is Annotated:
        return violations(value, get_args(hint)[0], where)
    if is_typeddict(hint):
        return _of_dict(value, hint, where)
    if origin in (Union, types.UnionType):
        return [] if any(not violations(value, option) for option in get_args(hint)) else [f"{where}: {value!r}"]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no dict"]
        return [bad for key, item in value.items() for bad in violations(item, get_args(hint)[1], f"{where}.{key}")]
    if origin is list:
        if type(value) is not list:
            return [f"{where}: {value!r} is no list"]
        return [
            bad for index, item in enumerate(value) for bad in violations(item, get_args(hint)[0], f"{where}[{index}]")
        ]
    if origin is np.ndarray:
        right = isinstance(value, np.ndarray) and value.dtype == np.float64
        return [] if right else [f"{where}: {value!r} is no array of floats"]
    # exact types: a bool is an int and a numpy.float64 a float to isinstance, but not to a reader of JSON
    return [] if type(value) is (type(None) if hint is None else hint) else [f"{where}: {value!r} is no {hint}"]


def _of_dict(value: Any, hint: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no dict"]
    hints = get_type_hints(hint, include_extras=True)
    found = [f"{where}.{key} is not in {hint.__name__}" for key in value if key not in hints]
    for key, inner in hints.items():
        marked = get_origin(inner)
        optional = marked is NotRequired or (not _total(hint, key) and marked is not Required)
        if key in value:
            found += violations(
                value[key], get_args(inner)[0] if marked in (NotRequired, Required) else inner, f"{where}.{key}"
            )
        elif not optional:
            found.append(f"{where}.{key} is missing")
    return found


def _total(hint: Any, key: str) -> bool:
    """Whether the class that brought a key has ``total=True``."""
    for base in (hint, *getattr(hint, "__orig_bases__", ())):
        if is_typeddict(base) and key in base.__annotations__:
            owner = next(
                (b for b in getattr(base, "__orig_bases__", ()) if is_typeddict(b) and key in b.__annotations__), base
            )
            return owner.__total__
    return True
