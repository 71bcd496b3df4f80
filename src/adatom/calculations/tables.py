"""Names of classes that are imported when they are used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from adatom.errors import UnknownNameError

__all__ = ["find_class"]


def find_class(what: str, choice: Any, table: Mapping[str, str]) -> type[Any]:
    """Return the class that a name stands for.

    Parameters
    ----------
    what
        Kind of class, for the message.
    choice
        Name in `table`, or a class, which is returned as it is.
    table
        Locations of the classes, ``"module:class"``, by name.

    Raises
    ------
    UnknownNameError
        The name is not in the table.
    """
    if isinstance(choice, type):
        return choice
    if not isinstance(choice, str) or choice not in table:
        raise UnknownNameError(what, choice, table, "A class is accepted too.")
    module, _, name = table[choice].partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found
