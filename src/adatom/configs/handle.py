"""What goes to each worker once: operations, and calculators that many structures share."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import cloudpickle

from adatom.configs.operation import Operation
from adatom.errors import InputError

__all__ = ["Handle"]

_KEPT = 16  # in each thread; more than an operation has of shared calculators


@dataclass(frozen=True)
class Handle:
    """Something on its way to a worker, which unpacks it once.

    Attributes
    ----------
    key
        What tells it from others.
    data
        What goes there, pickled; None: it is in this process.
    path
        The file with `data`, where that is too long to be sent with each part.
    """

    key: str
    data: bytes | None = None
    path: str | None = None

    @classmethod
    def here(cls, operation: Operation) -> Handle:
        """For this process alone: nothing need be pickled, and an instance of a calculator keeps what it knows.

        Parameters
        ----------
        operation
            The operation.
        """
        handle = cls(f"here-{id(operation)}")
        _known()[handle.key] = operation
        return handle

    @classmethod
    def packed(cls, value: Any, name: str) -> Handle:
        """For any process.

        Parameters
        ----------
        value
            What goes there.
        name
            What to call it in errors.

        Raises
        ------
        InputError
            It cannot be pickled.
        """
        try:
            data = cloudpickle.dumps(value)
        except Exception as error:
            raise InputError(
                f"{name} cannot be sent to worker processes: {error}. Pass plain data, and a calculator as "
                "(constructor, args, kwargs) or by name; or use one worker."
            ) from error
        return cls(blake2b(data, digest_size=16).hexdigest(), data)

    @property
    def is_here(self) -> bool:
        """Whether it is for this process alone."""
        return self.data is None and self.path is None

    def load(self) -> Any:
        """What was sent: one of each thread's own, as calculators are not made for several."""
        known = _known()
        if self.key not in known:
            value = self._unpacked()
            while len(known) >= _KEPT:
                del known[next(iter(known))]
            known[self.key] = value
        known[self.key] = known.pop(self.key)  # the last that was used is the last to be forgotten
        return known[self.key]

    def _unpacked(self) -> Any:
        data = self.data
        if data is None:
            assert self.path is not None
            with open(self.path, "rb") as file:
                data = file.read()
        value = pickle.loads(data)
        if isinstance(value, Operation) and value.initializer is not None:
            value.initializer()
        return value

    def forget(self) -> None:
        """It is not needed any more, here."""
        _known().pop(self.key, None)


_threads = threading.local()


def _known() -> dict[str, Any]:
    if not hasattr(_threads, "known"):
        _threads.known = {}
    found: dict[str, Any] = _threads.known
    return found
