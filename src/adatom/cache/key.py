"""The key of a job: the same wherever and whenever the same is computed."""

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
    """What a job would compute, in short.

    Attributes
    ----------
    digest
        Equal for the same computation, 32 hexadecimal digits.
    recipe
        Module and name of the function.
    parts
        What went into the digest, by name: text, or the digest of a long one.
    source
        The pieces of code behind ``parts["source"]``, each with its digest; empty where source does not count.
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
    counts: Mapping[str, Callable[[Any], Any]] | None = None,
) -> Key:
    """The key of one call of a function.

    Parameters
    ----------
    function
        The function, plain or a job.
    args, kwargs
        With what it is called; what is not given counts with its default.
    policy
        ``"inputs"``; ``"inputs+source"``, where the code counts too; or a function that is given the arguments as a
        dictionary and returns what counts of them.
    version
        Declared by the author of the function.
    reads
        What the function reads that does not count otherwise, such as ``"info"`` of a structure, and names of
        parameters whose files and directories count with what is in them.
    counts
        By parameter, a function that is given its argument and returns what counts of it.

    Raises
    ------
    UnhashableError
        An argument has no text that is the same in every process.
    TypeError
        The arguments do not fit the function.
    """
    bound = _signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    plain = getattr(function, "_fn", function)  # where a job was given other defaults does not count
    recipe = f"{plain.__module__}:{getattr(plain, '__qualname__', plain.__name__)}"
    parts = {"recipe": recipe}
    if version is not None:
        parts["version"] = repr(version)
    source: Mapping[str, str] = {}
    canonical = Canonical(describe_code, reads)
    if callable(policy):
        parts |= canonical.parts("key", policy(dict(bound.arguments)))
    else:
        if policy == "inputs+source":
            code = source_of(plain)
            source, parts["source"] = code.pieces, code.digest
        for name, given in bound.arguments.items():
            value = counts[name](given) if counts and name in counts else given
            try:
                parts |= canonical.parts(name, value)
            except RecursionError:
                raise UnhashableError(name, "which is nested too deep") from None
    return Key(digest("\0".join(f"{name}\0{text}" for name, text in sorted(parts.items()))), recipe, parts, source)


_signature = lru_cache(maxsize=256)(inspect.signature)
