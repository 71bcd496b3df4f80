"""Registered types of packages: the pieces of an object that count in a key, and its form as plain data.

An entry point in the group ``adatom.types``, named like the package, names a module with the functions of
`TypeSupport`. The module is imported when the first object of that package is met.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

from adatom.errors import StorageError

__all__ = ["TypeSupport", "dump_object", "load_object", "relabelled", "support"]


class TypeSupport(Protocol):
    """Functions that a module defines for the types of a package."""

    def parts(self, value: Any, reads: Collection[str]) -> Mapping[str, Any] | None:
        """Return the pieces of an object that count, by name; None for a type that the module does not know.

        Parameters
        ----------
        value
            Any object of the package.
        reads
            Option ``reads`` of a job: names of pieces that count in addition.
        """

    def dump(self, value: Any) -> tuple[str, Any] | None:
        """Return a name for the object's type and plain data for `load`; None for an object that has no such form.

        Parameters
        ----------
        value
            Any object of the package.
        """

    def load(self, name: str, data: Any) -> Any:
        """Return the object that `dump` was given.

        Parameters
        ----------
        name
            Name of the type that `dump` returned.
        data
            Plain data that `dump` returned.
        """

    def relabel(self, result: Any, arguments: Mapping[str, Any], reads: Collection[str]) -> Any:
        """Return a stored result with labels, which do not count in the key, from the arguments of the present call.

        Parameters
        ----------
        result
            Result from the store; it may be changed.
        arguments
            Arguments of the call that the result is used for, by name.
        reads
            Option ``reads`` of the job, as in `parts`.
        """


@cache
def _entry_points() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group="adatom.types")}


@cache
def support(package: str) -> TypeSupport | None:
    """Return the module that knows the types of a package; None if no entry point names one.

    Parameters
    ----------
    package
        Name of the package, the first part of a module's name.
    """
    point = _entry_points().get(package)
    return point.load() if point else None


def dump_object(value: Any) -> list[Any] | None:
    """Return an object as a list for `load_object`; None for an object that has no form as plain data.

    Parameters
    ----------
    value
        Any object; those of packages without registered types have no such form.
    """
    package = type(value).__module__.partition(".")[0]
    helper = support(package)
    known = helper.dump(value) if helper else None
    return None if known is None else [package, *known]


def load_object(held: list[Any]) -> Any:
    """Return the object that `dump_object` was given.

    Parameters
    ----------
    held
        List that `dump_object` returned: name of the package, name of the type, and plain data.

    Raises
    ------
    StorageError
        No module is registered for the package.
    """
    package, name, data = held
    helper = support(package)
    if helper is None:
        raise StorageError(f"{name} of {package}, which nothing here knows")
    return helper.load(name, data)


def relabelled(
    result: Any,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reads: Collection[str],
) -> Any:
    """Return a stored result with the labels of a call's arguments.

    Parameters
    ----------
    result
        Result from the store; it may be changed.
    function
        Function or job that is called.
    args, kwargs
        Arguments of the call that the result is used for.
    reads
        Option ``reads`` of the job: labels that count in the key stay as they are.
    """
    packages = {type(value).__module__.partition(".")[0] for value in (*args, *kwargs.values())}
    for helper in filter(None, map(support, packages)):
        arguments = inspect.signature(function).bind(*args, **kwargs).arguments
        result = helper.relabel(result, arguments, reads)
    return result
