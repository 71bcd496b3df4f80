"""Parameters of a user merged over defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["Remove", "layered", "merge"]

Remove: Final = "Remove"
"""Value that deletes its key from the defaults. It is a string, so that YAML, JSON and the command line can hold it."""


def merge(*layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge dictionaries; a later one wins, key by key, at every depth.

    Parameters
    ----------
    *layers
        Dictionaries to merge, the defaults first; None counts as an empty one. The value `Remove` deletes its key.

    Returns
    -------
    dict
        New dictionaries at every depth, with the values that were given.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in (layer or {}).items():
            below = merged.pop(key, None)
            if isinstance(value, Mapping):
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
        Arguments that win. `Remove` inside a dictionary stays, for the defaults that it is merged over later.

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
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            value = _laid_over(under, value)
        laid[key] = value
    return laid


def _is_remove(value: Any) -> bool:
    return isinstance(value, str) and value == Remove
