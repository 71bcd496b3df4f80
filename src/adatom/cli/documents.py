"""Documents that flows computed from their results, on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adatom.analysis.documents import find_documents, units_of
from adatom.cli.tables import print_table, print_text

__all__ = ["in_short", "print_documents"]


def in_short(value: Any) -> dict[str, dict[str, Any]]:
    """Return the numbers and words of each document in a value, without its arrays.

    Parameters
    ----------
    value
        Results and documents, in lists and dictionaries that are nested to any depth.

    Returns
    -------
    dict
        By place of a document in `value`, such as ``"[0].eos"``, its short items.
    """
    return {
        place: {key: item for key, item in document.items() if _is_short(item)}
        for place, document in find_documents(value)
    }


def print_documents(value: Any) -> None:
    """Print the numbers and words of each document in a value; its arrays are only in the saved file.

    Parameters
    ----------
    value
        Results and documents, in lists and dictionaries that are nested to any depth.
    """
    for place, document in in_short(value).items():
        units = units_of(document["name"])
        tables = {key: item for key, item in document.items() if isinstance(item, list)}
        values = {key: item for key, item in document.items() if key != "name" and key not in tables}
        _print_values(place or document["name"], values, units)
        for key, table in tables.items():
            _print_rows(f"{place}.{key}" if place else key, table, units.get(key, ""))


def _print_values(title: str, values: Mapping[str, Any], units: Mapping[str, str]) -> None:
    rows = [row for key, item in values.items() for row in _rows(key, item, units.get(key, ""))]
    if rows:
        print_text("")
        print_table((title, "value", "unit"), rows, right=("value",))


def _print_rows(title: str, rows: Sequence[Mapping[str, Any]], unit: str) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    numbers = [name for name in columns if any(isinstance(row.get(name), float) for row in rows)]
    print_text(f"\n{title}, {unit}" if unit else f"\n{title}")
    print_table(columns, [[_cell(row.get(name)) for name in columns] for row in rows], right=numbers)


def _is_short(item: Any) -> bool:
    if isinstance(item, dict):
        return all(map(_is_short, item.values()))
    if isinstance(item, list):  # rows of a table
        return bool(item) and all(isinstance(part, dict) and all(map(_is_cell, part.values())) for part in item)
    return _is_cell(item) and not isinstance(item, list | dict)


def _is_cell(item: Any) -> bool:
    if isinstance(item, list | dict):  # such as Miller indices
        parts = item.values() if isinstance(item, dict) else item
        return len(item) <= 4 and all(isinstance(part, int | str) for part in parts)
    return item is None or isinstance(item, bool | int | float | str)


def _cell(item: Any) -> str:
    if isinstance(item, dict):
        return " ".join(f"{key}{part:+}" if isinstance(part, int) else f"{key} {part}" for key, part in item.items())
    if isinstance(item, list):
        return " ".join(map(str, item))
    if isinstance(item, bool):
        return "yes" if item else "no"
    return "" if item is None else f"{item:.6g}" if isinstance(item, float) else str(item)


def _rows(key: str, item: Any, unit: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(item, dict):
        for name, part in item.items():
            yield from _rows(f"{key} {name}", part, unit)
    elif item not in (None, ""):
        yield key, _cell(item), unit if isinstance(item, float) else ""
