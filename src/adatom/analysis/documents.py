"""The documents that flows put beside their runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, get_args, get_origin, get_type_hints

__all__ = ["DOCUMENTS", "find_documents", "units_of"]

#: What a document says under ``name``, and the class that describes it.
DOCUMENTS = {"eos": "adatom.analysis.eos:EquationOfState"}


def find_documents(value: Any, place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The documents in what a flow returned.

    Parameters
    ----------
    value
        Results and documents, in lists and dictionaries.
    place
        Where `value` is, if it is a part of something.

    Yields
    ------
    tuple
        Where it is, such as ``"[0].eos"``, and the document.
    """
    if isinstance(value, Mapping):
        if value.get("name") in DOCUMENTS:
            yield place, value
            return
        for key, item in value.items():
            yield from find_documents(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from find_documents(item, f"{place}[{index}]")


def units_of(name: str) -> dict[str, str]:
    """Units by key, of what a document has; empty where there is none.

    Parameters
    ----------
    name
        One of `DOCUMENTS`.
    """
    module, _, kind = DOCUMENTS[name].partition(":")
    hints = get_type_hints(getattr(import_module(module), kind), include_extras=True)
    return {key: get_args(hint)[1] if get_origin(hint) is Annotated else "" for key, hint in hints.items()}
