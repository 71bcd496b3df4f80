"""What flows computed from their runs, on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["in_short", "print_documents"]


def in_short(value: Any) -> dict[str, dict[str, Any]]:
    """The numbers and words of each document in what a flow returned, by place; without arrays.

    Parameters
    ----------
    value
        Results and documents, in lists and dictionaries.
    """
    from adatom.analysis.documents import find_documents

    return {
        place: {key: item for key, item in document.items() if _is_short(item)}
        for place, document in find_documents(value)
    }


def print_documents(value: Any) -> None:
    """Print the numbers and words of each document in what a flow returned; arrays are in the saved file.

    Parameters
    ----------
    value
        Results and documents, in lists and dictionaries.
    """
    from adatom.analysis.documents import units_of
    from adatom.cli.tables import print_table, print_text

    for place, document in in_short(value).items():
        units = units_of(document["name"])
        rows = [row for key, item in document.items() if key != "name" for row in _rows(key, item, units.get(key, ""))]
        print_text("")
        print_table((place or document["name"], "value", "unit"), rows, right=("value",))


def _is_short(item: Any) -> bool:
    if isinstance(item, dict):
        return all(map(_is_short, item.values()))
    if isinstance(item, list):  # of tables; lists of numbers are arrays
        return all(isinstance(part, dict) and _is_short(part) for part in item)
    return item is None or isinstance(item, bool | int | float | str)


def _rows(key: str, item: Any, unit: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(item, dict | list):
        for name, part in item.items() if isinstance(item, dict) else enumerate(item):
            yield from _rows(f"{key} {name}", part, unit)
    elif isinstance(item, bool):
        yield key, "yes" if item else "no", ""
    elif isinstance(item, float):
        yield key, f"{item:.6g}", unit
    elif item not in (None, ""):
        yield key, str(item), ""
