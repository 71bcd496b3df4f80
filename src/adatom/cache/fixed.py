"""Values whose text in a key cannot change as long as they are the same objects."""

from __future__ import annotations

import re
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

import numpy as np

from adatom.cache.canonical import held_by_step, is_step
from adatom.cache.names import ABSENT

__all__ = ["fixed_parts", "is_fixed", "parts_of_step"]

_FIXED = (
    *(FunctionType, type, ModuleType, int, float, bool, type(None), bytes, complex),
    *(np.ufunc, type(np.mean), re.Pattern),
    *(WrapperDescriptorType, MethodDescriptorType, GetSetDescriptorType, MemberDescriptorType),
)


def fixed_parts(value: Any) -> tuple[Any, ...] | None:
    """Return the objects in a value that may be replaced; None if its text can change otherwise.

    Parameters
    ----------
    value
        Value that code reaches.

    Returns
    -------
    tuple or None
        Parts of a job or flow, or nothing for a value that is fixed itself.
    """
    if value is ABSENT:
        return ()
    if is_step(value):
        parts = parts_of_step(value)
        return parts if all(map(is_fixed, parts)) else None
    return () if is_fixed(value) else None


def parts_of_step(value: Any) -> tuple[Any, ...]:
    """Return the objects that the text of a job or flow is made of.

    Parameters
    ----------
    value
        Object of which `is_step` is true.
    """
    function, defaults, version = held_by_step(value)
    inside = (*defaults, *defaults.values()) if type(defaults) is dict else (defaults,)
    return type(value), function, version, *inside


def is_fixed(value: Any) -> bool:
    """Return whether the text of a value cannot change; functions and classes are looked into on their own.

    Parameters
    ----------
    value
        Value that code reaches.
    """
    if type(value) is str:
        return "/" not in value and "." not in value  # it may name a file
    if isinstance(value, BuiltinFunctionType):
        return isinstance(value.__self__, ModuleType | type | None)
    if type(value) in (tuple, frozenset):
        return all(map(is_fixed, value))
    return isinstance(value, _FIXED)
