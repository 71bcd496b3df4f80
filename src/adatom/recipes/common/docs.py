"""Docstrings that repeat the entries of other functions, so that each parameter is documented once."""

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
    """Replace ``{parameters}`` in a function's docstring by the entries of its parameters in other docstrings.

    A parameter that the function documents itself keeps its own entry.

    Parameters
    ----------
    *sources
        Functions with numpydoc docstrings. Where several document a parameter, the first one counts.
    """

    def complete(function: F) -> F:
        if function.__doc__:  # python -OO removes docstrings
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
    """Return a docstring with the entry of one more parameter.

    Parameters
    ----------
    text
        Docstring to extend; None under ``python -OO``.
    source
        Function whose numpydoc docstring has the entry.
    name
        Name of the added parameter.
    before
        Name of the parameter that follows the added one.
    """
    return text and text.replace(f"\n{before}\n", f"\n{name}\n{_entries(source)[name]}\n{before}\n", 1)
