"""Places where code is found: whether each still has the objects that it had, compared by identity."""

from __future__ import annotations

from collections.abc import ValuesView
from itertools import chain
from operator import is_
from types import FunctionType
from typing import Any

__all__ = ["Places", "is_same"]


class Places:
    """Objects in modules, classes and functions, which may be replaced.

    Adatom has hundreds of them behind a recipe, and each hit compares them all: so this is done in few calls.
    """

    def __init__(self) -> None:
        self._spaces: list[dict[str, Any]] = []
        self._names: list[str] = []
        self._held: list[Any] = []
        self._classes: list[ValuesView[Any]] = []
        self._attributes: list[Any] = []
        self._functions: list[tuple[FunctionType, tuple[Any, ...]]] = []

    def add_name(self, space: dict[str, Any], name: str) -> None:
        """Add a name in a module.

        Parameters
        ----------
        space
            Names of the module, with their values.
        name
            One of the names.
        """
        self._spaces.append(space)
        self._names.append(name)
        self._held.append(space[name])

    def add_class(self, kind: type) -> None:
        """Add all attributes of a class.

        Parameters
        ----------
        kind
            Any class.
        """
        self._classes.append(vars(kind).values())  # which shows what the class has at any time
        self._attributes.extend(vars(kind).values())

    def add_function(self, function: FunctionType) -> None:
        """Add the code of a function, its defaults and its attributes.

        Parameters
        ----------
        function
            Any function.
        """
        self._functions.append((function, _state(function)))

    def are_current(self) -> bool:
        """Return whether all places have the objects that they had when they were added."""
        if sum(map(len, self._classes)) != len(self._attributes):
            return False
        return (
            all(map(is_, map(dict.get, self._spaces, self._names), self._held))
            and all(map(is_, chain.from_iterable(self._classes), self._attributes))
            and all(is_same(_state(function), state) for function, state in self._functions)
        )


def _state(function: FunctionType) -> tuple[Any, ...]:
    return function.__code__, function.__defaults__, function.__kwdefaults__, *vars(function).values()


def is_same(now: tuple[Any, ...], held: tuple[Any, ...]) -> bool:
    """Return whether two tuples have the same objects in the same order.

    Parameters
    ----------
    now, held
        Tuples, whose objects are compared by identity.
    """
    return len(now) == len(held) and all(map(is_, now, held))
