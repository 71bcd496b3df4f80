"""A parameter is documented once; what passes it on shows the same words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["documented_by"]

F = TypeVar("F", bound=Callable[..., Any])

_SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
_HEAD = "Parameters\n----------\n"
_ENTRY = re.compile(r"^(\*{0,2}\w+)\n((?:[ \t]+\S.*\n?|[ \t]*\n)+)", re.MULTILINE)


def documented_by(*sources: Callable[..., Any]) -> Callable[[F], F]:
    """Put for ``{parameters}`` in a function's docstring what its parameters are, from where they are documented.

    Those that are the function's own stand before it, in its section of parameters.

    Parameters
    ----------
    *sources
        Functions with numpydoc docstrings; the first that has a parameter is right about it.
    """

    def complete(function: F) -> F:
        if function.__doc__:  # there is none under python -OO
            known: dict[str, str] = {}
            for source in reversed(sources):
                known |= _entries(source)
            text = inspect.cleandoc(function.__doc__)
            own = _entries(function)
            names = [name for name in inspect.signature(function).parameters if name in known and name not in own]
            section = "\n".join(f"{name}\n{known[name]}" for name in names)
            function.__doc__ = text.replace("{parameters}", section if own else _HEAD + section)
        return function

    return complete


def _entries(source: Callable[..., Any]) -> dict[str, str]:
    found = _SECTION.search(inspect.cleandoc(source.__doc__ or ""))
    return {name: text.rstrip() for name, text in _ENTRY.findall(found.group(1) + "\n")} if found else {}


def with_parameter(text: str | None, source: Callable[..., Any], name: str, before: str) -> str | None:
    """A docstring with one parameter more.

    Parameters
    ----------
    text
        The docstring; None under ``python -OO``.
    source
        A function with a numpydoc docstring that has the parameter.
    name
        The parameter.
    before
        The parameter that it comes before.
    """
    return text and text.replace(f"\n{before}\n", f"\n{name}\n{_entries(source)[name]}\n{before}\n", 1)
