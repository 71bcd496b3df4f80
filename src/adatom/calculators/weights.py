"""Calculators that a process has loaded with their weights, and copies of them for jobs."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from adatom.errors import InputError

__all__ = ["copy_calculator", "stamp", "weights"]

logger = logging.getLogger(__name__)


class Weights:
    """Calculators that this process has loaded, one of each kind, from which jobs get copies."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._loading = threading.Lock()  # so that threads load the weights once

    def __reduce__(self) -> str:  # this also keeps it out of the key of a job
        raise TypeError("what a process has loaded stays there")

    def copy(self, name: str, make: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        """Return a calculator that shares the weights of the first one made with the same arguments.

        Parameters
        ----------
        name
            Name of the calculator in the log.
        make
            Class of the calculator, or a function that makes one.
        arguments
            Keyword arguments of `make`. A file among them counts as another one once it has changed.
        """
        if not all(map(_is_plain, arguments.values())):  # their texts do not tell two values apart
            return make(**arguments)
        stamps = {key: stamp(value) for key, value in arguments.items() if isinstance(value, str | os.PathLike)}
        key = repr((make, sorted(arguments.items()), stamps))
        with self._loading:
            if key not in self._made:
                start = time.perf_counter()
                made = make(**arguments)
                logger.info("loaded %s in %.1f s: %s", name, time.perf_counter() - start, dict(arguments))
                try:
                    copy_calculator(made)
                except InputError:  # then each job makes one of its own
                    return made
                self._made[key] = made
        return copy_calculator(self._made[key])


weights = Weights()


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, (*value, *value.values())))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | os.PathLike | type)


def copy_calculator(calculator: Any) -> Any:
    """Return a copy of a calculator that shares its weights, which no calculation changes.

    Parameters
    ----------
    calculator
        ASE calculator to copy.

    Raises
    ------
    InputError
        The calculator cannot be copied.
    """
    torch = sys.modules.get("torch")
    values = vars(calculator).values() if torch else ()
    parts = [part for value in values for part in (value if isinstance(value, list | tuple) else (value,))]
    shared = {id(part): part for part in parts if torch and isinstance(part, torch.nn.Module)}
    try:
        return deepcopy(calculator, shared)
    except Exception as error:
        raise InputError(
            f"The {type(calculator).__name__} cannot be copied, and no two jobs may use one: {error}. "
            "Give its class, or a function that makes it."
        ) from error


def stamp(file: str | os.PathLike[str]) -> tuple[int, ...]:
    """Return the time of the last change (ns) and the size (bytes) of a file, or an empty tuple if there is none.

    Parameters
    ----------
    file
        Path of the file.
    """
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return ()
    return status.st_mtime_ns, status.st_size
