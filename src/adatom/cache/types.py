"""What packages say of their types: what counts of an object, and how it is kept as plain data.

A package is known by the entry point of its name in the group ``adatom.types``. It names a module with the functions of
`TypeSupport`, which is imported when the first object of that package is met.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

__all__ = ["TypeSupport", "relabelled", "support"]


class TypeSupport(Protocol):
    """What a module has to define for the types of a package."""

    def parts(self, value: Any, reads: Collection[str]) -> Mapping[str, Any] | None:
        """What counts of an object, by name; None if it is of no type that the module knows.

        Parameters
        ----------
        value
            An object of the package.
        reads
            What a job declares that it reads, beside what always counts.
        """

    def dump(self, value: Any) -> tuple[str, Any] | None:
        """A name for the object's type, and plain data that `load` makes it from again; None if that cannot be.

        Parameters
        ----------
        value
            An object of the package.
        """

    def load(self, name: str, data: Any) -> Any:
        """The object again.

        Parameters
        ----------
        name, data
            What `dump` gave.
        """

    def relabel(self, result: Any, arguments: Mapping[str, Any], reads: Collection[str]) -> Any:
        """A stored result with what does not count, such as labels, taken from the arguments that it is used for.

        Parameters
        ----------
        result
            What the store holds.
        arguments
            Those of the call that the result is used for.
        reads
            As in `parts`.
        """


@cache
def _entry_points() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group="adatom.types")}


@cache
def support(package: str) -> TypeSupport | None:
    """Who knows the types of a package, if anybody.

    Parameters
    ----------
    package
        The first part of a module's name.
    """
    point = _entry_points().get(package)
    return point.load() if point else None


def relabelled(
    result: Any,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    reads: Collection[str],
) -> Any:
    """A stored result for a call, with the labels of the call's arguments.

    Parameters
    ----------
    result
        What the store holds.
    function, args, kwargs
        The call.
    reads
        What the job declares that it reads.
    """
    packages = {type(value).__module__.partition(".")[0] for value in (*args, *kwargs.values())}
    for helper in filter(None, map(support, packages)):
        arguments = inspect.signature(function).bind(*args, **kwargs).arguments
        result = helper.relabel(result, arguments, reads)
    return result
