"""Key of a call: equal for equal computations, on every machine and at any time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from adatom.cache.canonical import Canonical, UnhashableError, digest
from adatom.cache.source import describe_code, source_of

__all__ = ["Key", "make_key"]


@dataclass(frozen=True)
class Key:
    """Key of one call.

    Attributes
    ----------
    digest
        Hash that is equal for equal computations, 32 hexadecimal digits.
    recipe
        Module and name of the function, ``module:name``.
    parts
        Pieces that the digest is made of, by name: their text, or the digest of a text of more than 60 characters.
    source
        Digest of each piece of code behind ``parts["source"]``, by name; empty if the code does not count.
    """

    digest: str
    recipe: str
    parts: Mapping[str, str]
    source: Mapping[str, str]


def make_key(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    policy: str | Callable[[dict[str, Any]], Any] = "inputs+source",
    version: str | int | None = None,
    reads: Collection[str] = (),
    key_functions: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Key:
    """Return the key of one call of a function.

    Parameters
    ----------
    function
        Plain function, or a job.
    args, kwargs
        Arguments of the call. A parameter that is not given counts with its default.
    policy
        ``"inputs"``: the arguments count; ``"inputs+source"``: the code counts too; or a function that is given all
        arguments as a dictionary and returns the value to count in their place.
    version
        Version that the author of the function declares. None: no version counts.
    reads
        Data that the function reads and that would not count otherwise, such as ``"info"`` of a structure, and names
        of parameters whose files and directories count with their content.
    key_functions
        Functions by the name of a parameter: each is given the argument and returns the value to count in its place.

    Raises
    ------
    UnhashableError
        An argument has no canonical text.
    TypeError
        The arguments do not fit the function.
    """
    arguments = _arguments(function, args, kwargs)
    plain = getattr(function, "_fn", function)  # a job counts as its function, wherever it was given other defaults
    recipe = f"{plain.__module__}:{getattr(plain, '__qualname__', plain.__name__)}"
    parts = {"recipe": recipe}
    if version is not None:
        parts["version"] = repr(version)
    source: Mapping[str, str] = {}
    canonical = Canonical(describe_code, reads)
    if callable(policy):
        parts |= canonical.parts("key", policy(dict(arguments)))
    else:
        if policy == "inputs+source":
            code = source_of(plain)
            source, parts["source"] = code.pieces, code.digest
        for name, given in arguments.items():
            value = key_functions[name](given) if key_functions and name in key_functions else given
            try:
                parts |= canonical.parts(name, value)
            except RecursionError:
                raise UnhashableError(name, "which is nested too deep") from None
    return Key(digest("\0".join(f"{name}\0{text}" for name, text in sorted(parts.items()))), recipe, parts, source)


def _arguments(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return all arguments of a call by name; `inspect` takes longer than all else for the usual call."""
    signature, defaults = _signature(function)
    if len(args) == 1 and defaults and kwargs.keys() <= defaults[1].keys():
        return {defaults[0]: args[0], **defaults[1], **kwargs}
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


@lru_cache(maxsize=256)
def _signature(function: Callable[..., Any]) -> tuple[inspect.Signature, tuple[str, dict[str, Any]] | None]:
    """Return a signature and, of a function with one parameter without default, its name and the other defaults."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if not parameters or parameters[0].kind is not named[0]:
        return signature, None
    first, *others = parameters
    if any(other.kind not in named or other.default is other.empty for other in others):
        return signature, None
    return signature, (first.name, {other.name: other.default for other in others})
