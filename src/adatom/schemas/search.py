"""Results anywhere in the value that a flow returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["change_results", "find_results"]


def find_results(value: Any, place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find the results in a value: dictionaries with ``results`` and the path of a run directory, ``dir_name``.

    Parameters
    ----------
    value
        Results, in lists, tuples and dictionaries that are nested to any depth. Anything else is passed over.
    place
        Place of `value`, if it is a part of a larger value; empty for the whole.

    Yields
    ------
    tuple
        The place of the result in `value`, such as ``"relax[0]"``, and the result.
    """
    if _is_result(value):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from find_results(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from find_results(item, f"{place}[{index}]")


def change_results(value: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    """Return a copy of a value in which each result is replaced.

    Parameters
    ----------
    value
        Results, in lists, tuples and dictionaries that are nested to any depth. It stays as it is.
    change
        Function that takes a result and returns what stands in its place.

    Returns
    -------
    Any
        New lists, tuples and dictionaries of the same shape; objects that are no results are shared with `value`.
    """
    if _is_result(value):
        return change(value)
    if type(value) is dict:
        return {key: change_results(item, change) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(change_results(item, change) for item in value)
    return value


def _is_result(value: Any) -> bool:
    return isinstance(value, Mapping) and "results" in value and isinstance(value.get("dir_name"), str)
