"""Attributes of a class that count: not those that follow from others, or that only document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import EnumType
from types import FunctionType
from typing import Any

from adatom.cache.packages import is_library

__all__ = ["HIDDEN_DEFAULTS", "counted_attributes", "is_foreign"]

_HIDDEN = frozenset(
    {
        *("__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__annotations__", "__slotnames__"),
        *("__orig_bases__", "__parameters__", "__wrapped__", "__signature__"),
    }
)
_OF_ENUM = frozenset(
    {
        *("_member_map_", "_member_names_", "_value2member_map_", "_value_repr_", "_member_type_", "_new_member_"),
        *("_use_args_", "_hashable_values_", "_unhashable_values_", "_unhashable_values_map_", "_boundary_"),
        *("_generate_next_value_", "__new__", "__new_member__", "_flag_mask_", "_all_bits_", "_singles_mask_"),
        "_inverted_",
    }
)
_OF_FIELD = (  # of a pydantic model
    *("default", "default_factory", "alias", "alias_priority", "validation_alias", "serialization_alias"),
    "metadata",
)
_HIDDEN_PREFIXES = ("_abc_", "__pydantic", "__dataclass_")


def counted_attributes(kind: type) -> list[str]:
    """Return the names of a class's own attributes that count, in order.

    Parameters
    ----------
    kind
        Any class.
    """
    return [
        key
        for key in sorted(vars(kind))
        if not (key in _HIDDEN or key.startswith(_HIDDEN_PREFIXES) or _is_of_enum(kind, key))
    ]


def is_foreign(value: Any) -> bool:
    """Return whether an attribute of a library's class is a function of the user's.

    Parameters
    ----------
    value
        Attribute of any kind.
    """
    if not isinstance(value, FunctionType) or is_library(value):
        return False
    return not value.__module__.startswith("namedtuple_")  # a module that does not exist


def _is_of_enum(kind: Any, key: str) -> bool:
    """Return whether an attribute of an enumeration follows from its members, or is the same for all enumerations."""
    return isinstance(kind, EnumType) and (key in kind.__members__ or key in _OF_ENUM)


def _fields_of_model(kind: Any) -> Mapping[str, Any]:
    """Return what the fields of a pydantic model hold beside annotations: defaults, constraints, aliases."""
    return {
        name: [getattr(field, slot, None) for slot in _OF_FIELD] for name, field in kind.__pydantic_fields__.items()
    }


def _fields_of_dataclass(kind: Any) -> Mapping[str, Any]:
    return {name: dict(field.metadata) for name, field in kind.__dataclass_fields__.items() if field.metadata}


# Attributes that do not count as a whole, and the function that returns what of them does.
HIDDEN_DEFAULTS: dict[str, Callable[[Any], Any]] = {
    "__pydantic_fields__": _fields_of_model,
    "__dataclass_fields__": _fields_of_dataclass,
}
