"""Keyword arguments that a function does not have: an error that suggests the right name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from adatom.errors import ArgumentsError, UnknownNameError

__all__ = ["named_arguments", "refuse_unknown"]

_C = TypeVar("_C", bound=Callable[..., Any])


def named_arguments(target: _C) -> _C:
    """Let a function or class answer unknown keyword arguments with an `ArgumentsError` that suggests the right name.

    Parameters
    ----------
    target
        Function, which is wrapped, or class, whose constructor is.
    """
    if isinstance(target, type):
        type.__setattr__(target, "__init__", _checked(vars(target)["__init__"], target.__name__))
        return target
    return _checked(target, target.__name__)


def _checked(function: Any, name: str) -> Any:
    known = frozenset(inspect.signature(function).parameters) - {"self"}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not known.issuperset(kwargs):
            wrong = next(key for key in kwargs if key not in known)
            raise ArgumentsError(str(UnknownNameError(f"parameter of {name}", wrong, known)))
        return function(*args, **kwargs)

    return call


def refuse_unknown(function: Callable[..., Any], name: str, given: Iterable[str], besides: Iterable[str]) -> None:
    """Refuse keyword arguments that a function does not have, as far as its parameters are known.

    Parameters
    ----------
    function
        Function that is to be called.
    name
        Name of the function in the message.
    given
        Names of the arguments.
    besides
        Names that would have been right besides the function's own parameters.

    Raises
    ------
    ArgumentsError
        The function has no such parameter.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # of a function in C, they may be unknown
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for key in given:
        if key not in parameters:
            raise ArgumentsError(str(UnknownNameError(f"parameter of {name}", key, {*parameters, *besides})))
