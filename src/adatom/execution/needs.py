"""Needs of the calls of a function, as the function itself names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

__all__ = ["Need", "needs_said", "with_needs"]

Need = str | Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])


def with_needs(needs: Callable[..., Iterable[Need]]) -> Callable[[F], F]:
    """Return a decorator for a function whose calls need what cannot be seen in its source.

    Parameters
    ----------
    needs
        Function of the same arguments. It returns what a call needs in any case: names of packages, as pip knows them,
        and functions that it calls.
    """

    def decorate(function: F) -> F:
        said: Any = function
        said.needs = needs
        return function

    return decorate


def needs_said(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Need]:
    """Return what a function says that a call needs. Nothing, if the arguments do not fit: the call will say so.

    Parameters
    ----------
    function
        Function of a call, or a step or partial function around it.
    args, kwargs
        Arguments of the call.
    """
    while isinstance(function, partial):
        args, kwargs = [*function.args, *args], {**function.keywords, **kwargs}
        function = function.func
    kwargs = {**getattr(function, "defaults", {}), **kwargs}  # those that `bind` has set
    needs = getattr(function, "needs", None)
    if not callable(needs):
        return []
    try:
        return list(needs(*args, **kwargs))
    except Exception:
        return []
