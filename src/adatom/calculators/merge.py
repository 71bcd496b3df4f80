"""A user's parameters over defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["Remove", "merge"]

Remove: Final = "Remove"
"""In the place of a value: what the defaults have under this key is left out. It is text, so that YAML, JSON and the
command line can say it too."""


def merge(*layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Dictionaries as one; a later one wins, key by key, at every depth.

    Parameters
    ----------
    *layers
        The defaults first; None is nothing. A value `Remove` deletes its key.

    Returns
    -------
    dict
        New dictionaries; the values are those given.
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


def _is_remove(value: Any) -> bool:
    return isinstance(value, str) and value == Remove
