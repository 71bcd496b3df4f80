"""What a process has loaded: calculators with their weights, of which jobs get copies."""

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
    """What this process has loaded: a calculator of each kind, of which jobs get copies."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._loading = threading.Lock()  # threads at first use load once

    def __reduce__(self) -> str:  # so that it is no part of a job's key either
        raise TypeError("what a process has loaded stays there")

    def copy(self, name: str, make: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        """A calculator that shares the weights of the first one that was made like this.

        Parameters
        ----------
        name
            What to call it in the log.
        make
            Its class or function.
        arguments
            Of that, by name.
        """
        if not all(map(_is_plain, arguments.values())):  # no text tells two of them apart
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
                except InputError:  # then each job makes one
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
    """A copy that shares the weights, which no calculation changes.

    Parameters
    ----------
    calculator
        An ASE calculator.

    Raises
    ------
    InputError
        It cannot be copied.
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
    """What tells a file from what it was before: when it was written, and its size. Empty if there is none.

    Parameters
    ----------
    file
        The file.
    """
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return ()
    return status.st_mtime_ns, status.st_size
