"""Parameters of a user merged over defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeGuard

__all__ = ["Remove", "layered", "merge"]

Remove: Final = "Remove"
"""Value that deletes its key from the defaults. It is a string, so that YAML, JSON and the command line can hold it."""


def merge(*layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge dictionaries; a later one wins, key by key, at every depth.

    Parameters
    ----------
    *layers
        Dictionaries to merge, the defaults first; None counts as an empty one. The value `Remove` deletes its key. A
        list replaces what was there; over a list of words ``{"PBE": True, "B3LYP": Remove}`` adds and removes some, in
        any case of letters.

    Returns
    -------
    dict
        New dictionaries at every depth, with the values that were given.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in (layer or {}).items():
            below = merged.pop(key, None)
            if _are_words(below, value):
                merged[key] = _changed(below, value)
            elif isinstance(value, Mapping):
                merged[key] = merge(below if isinstance(below, Mapping) else None, value)
            elif not _is_remove(value):
                merged[key] = value
    return merged


def layered(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments laid over others: of a value that is a dictionary in both, key by key at every depth.

    Parameters
    ----------
    below
        Arguments by name, such as the defaults that `bind` has set.
    above
        Arguments that win. `Remove` inside a dictionary stays, for the defaults that it is merged over later; words in
        a list change as in `merge`.

    Returns
    -------
    dict
        All arguments, without those for which `above` has the value `Remove`.
    """
    return {key: value for key, value in _laid_over(below, above).items() if not _is_remove(value)}


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    laid = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if _are_words(under, value):
            value = _changed(under, value)
        elif isinstance(value, Mapping) and isinstance(under, Mapping):
            value = _laid_over(under, value)
        laid[key] = value
    return laid


def _are_words(below: Any, value: Any) -> TypeGuard[list[str]]:
    """Return whether a value says which words of a list to add and to remove."""
    return (
        isinstance(below, list | tuple)
        and isinstance(value, Mapping)
        and all(isinstance(word, str) for word in below)
        and all(isinstance(change, bool) or _is_remove(change) for change in value.values())
    )


def _changed(words: Iterable[str], changes: Mapping[str, Any]) -> list[str]:
    """Return words without those that are removed or added, and those that are added."""
    changed = {word.lower() for word in changes}
    return [
        *(word for word in words if word.lower() not in changed),
        *(word for word, change in changes.items() if change is True),
    ]


def _is_remove(value: Any) -> bool:
    return isinstance(value, str) and value == Remove
