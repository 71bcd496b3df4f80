"""State of ASE's optimizers and thermostats between two steps, as plain data."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import Filter
from ase.utils.abc import Optimizable

__all__ = ["restore", "snapshot"]

# Attributes that tie ASE's objects to the rest of a run. They are made anew with the objects.
_OUTSIDE = {
    "atoms", "optimizable", "observers", "logfile", "comm", "trajectory", "_orig_trajectory", "_master", "_exitstack",
    "arrays", "info", "constraints", "_freedoms",
}  # fmt: skip
_PLAIN = (type(None), bool, int, float, str)
_MODULES = (
    "ase.",
    "scipy.sparse.",
    "adatom.calculations.thermostats.",
)  # objects of these modules consist of plain data


class _CannotHoldError(Exception):
    """A value is not plain data; the message names its place."""


def snapshot(parts: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any], list[str]]:
    """Return the state of objects as plain data.

    Parameters
    ----------
    parts
        Objects whose state is taken, by name.

    Returns
    -------
    tree : dict
        State that JSON can hold, with numbers in place of arrays.
    arrays : list
        Arrays in the order of these numbers, not copied. An array that two objects share appears once.
    missing : list of str
        Attributes whose values are not plain data, as ``"name.attribute"``.
    """
    writer = _Writer()
    tree = {name: writer.fields(part, name, ()) for name, part in parts.items()}
    return tree, writer.arrays, writer.missing


def restore(parts: Mapping[str, Any], tree: Mapping[str, Any], arrays: Sequence[Any]) -> None:
    """Give objects the state that a snapshot holds.

    Parameters
    ----------
    parts
        Objects by name, made in the same way as those of the snapshot.
    tree, arrays
        State and its arrays, as `snapshot` returned them.
    """
    for name, fields in tree.items():
        _set_fields(parts[name], fields, arrays)


class _Writer:
    def __init__(self) -> None:
        self.arrays: list[Any] = []
        self.missing: list[str] = []
        self._numbers: dict[int, int] = {}

    def fields(self, thing: Any, where: str, inside: tuple[int, ...]) -> dict[str, Any]:
        tree = {}
        for name, value in vars(thing).items():
            if name in _OUTSIDE or callable(value) or isinstance(value, (Atoms, Filter, Optimizable, io.IOBase)):
                continue
            if type(value) in _PLAIN:
                tree[name] = value
                continue
            try:
                tree[name] = self._value(value, f"{where}.{name}", (*inside, id(thing)))
            except _CannotHoldError as error:
                self.missing.append(str(error))
        return tree

    def _value(self, value: Any, where: str, inside: tuple[int, ...]) -> Any:
        if type(value) in _PLAIN:
            return value
        if isinstance(value, (np.ndarray, np.generic)):
            return {"array" if isinstance(value, np.ndarray) else "scalar": self._number(value, where)}
        if isinstance(value, np.random.Generator):
            return {"generator": self._value(value.bit_generator.state, where, inside)}
        if type(value) in (list, tuple):
            return {type(value).__name__: [self._value(item, where, inside) for item in value]}
        if type(value) is dict and _has_text_keys(value):
            return {"dict": {key: self._value(item, where, inside) for key, item in value.items()}}
        return self._object(value, where, inside)

    def _object(self, value: Any, where: str, inside: tuple[int, ...]) -> dict[str, Any]:
        kind = type(value)
        if not f"{kind.__module__}.".startswith(_MODULES) or not hasattr(value, "__dict__") or id(value) in inside:
            raise _CannotHoldError(where)
        return {"object": f"{kind.__module__}:{kind.__qualname__}", "fields": self.fields(value, where, inside)}

    def _number(self, array: Any, where: str) -> int:
        if array.dtype.kind not in "biufcSU":
            raise _CannotHoldError(where)
        if id(array) not in self._numbers:  # `arrays` keeps it alive, so that no other array gets its id
            self._numbers[id(array)] = len(self.arrays)
            self.arrays.append(array)
        return self._numbers[id(array)]


def _has_text_keys(value: dict[Any, Any]) -> bool:
    return all(type(key) is str for key in value)


def _set_fields(thing: Any, fields: Mapping[str, Any], arrays: Sequence[Any]) -> None:
    own = vars(thing)
    for name, saved in fields.items():
        own[name] = _read(saved, own.get(name), arrays)


def _read(saved: Any, present: Any, arrays: Sequence[Any]) -> Any:
    if not isinstance(saved, dict):
        return saved
    (kind, content), *_ = saved.items()
    match kind:
        case "array":
            return arrays[content]
        case "scalar":
            return arrays[content][()]
        case "generator":  # the present object stays, as others may share it
            present.bit_generator.state = _read(content, None, arrays)
            return present
        case "list":
            return _read_items(content, present, arrays)
        case "tuple":
            return tuple(_read_items(content, present, arrays))
        case "dict":
            return {key: _read(item, None, arrays) for key, item in content.items()}
    found = type(present)
    if f"{found.__module__}:{found.__qualname__}" != content:
        present = _class(content).__new__(_class(content))
    _set_fields(present, saved["fields"], arrays)
    return present


def _read_items(content: Sequence[Any], present: Any, arrays: Sequence[Any]) -> list[Any]:
    same_length = isinstance(present, (list, tuple)) and len(present) == len(content)
    old_items = present if same_length else [None] * len(content)
    return [_read(item, old, arrays) for item, old in zip(content, old_items, strict=True)]


def _class(path: str) -> Any:
    module, _, name = path.partition(":")
    if not f"{module}.".startswith(_MODULES):
        raise ValueError(f"an object of {path}")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not isinstance(found, type):
        raise ValueError(f"an object of {path}")
    return found
