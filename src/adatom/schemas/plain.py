"""Parameters of any kind as data that goes into a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """A value, built of what JSON and ASE's encoder know.

    Parameters
    ----------
    value
        Anything. Arrays stay, objects with ``todict`` become dictionaries, a class or function becomes its name, and
        what is left its ``repr``: parameters are kept to be read, not to be run.

    Returns
    -------
    Any
        New containers; nothing is shared with `value` but what cannot change.
    """
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "todict"):
        return plain(value.todict())
    return str(value) if hasattr(value, "__fspath__") else repr(value)
