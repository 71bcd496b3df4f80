"""Names for classes that are imported when they are used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from adatom.errors import UnknownNameError

__all__ = ["find_class"]


def find_class(what: str, choice: Any, table: Mapping[str, str]) -> type[Any]:
    """The class that a name stands for.

    Parameters
    ----------
    what
        What the class is, for the message.
    choice
        A name in `table`, or a class, which stands for itself.
    table
        ``"module:class"`` by name.

    Raises
    ------
    UnknownNameError
        A name that is not in the table.
    """
    if isinstance(choice, type):
        return choice
    if not isinstance(choice, str) or choice not in table:
        raise UnknownNameError(what, choice, table, "A class is accepted too.")
    module, _, name = table[choice].partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found
