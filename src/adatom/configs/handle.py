"""An operation on its way to workers."""

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


@dataclass(frozen=True)
class Handle:
    """An operation on its way to a worker, which unpacks it once.

    Attributes
    ----------
    key
        Of the operation.
    data
        The operation, pickled; None: it is in this process.
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
    def packed(cls, operation: Operation) -> Handle:
        """For any process.

        Parameters
        ----------
        operation
            The operation.

        Raises
        ------
        InputError
            It cannot be pickled.
        """
        try:
            data = cloudpickle.dumps(operation)
        except Exception as error:
            raise InputError(
                f"{operation.name} cannot be sent to worker processes: {error}. Pass plain data, and a calculator as "
                "(constructor, args, kwargs) or by name; or use one worker."
            ) from error
        return cls(blake2b(data, digest_size=16).hexdigest(), data)

    @property
    def is_here(self) -> bool:
        """Whether it is for this process alone."""
        return self.data is None and self.path is None

    def load(self) -> Operation:
        """The operation: one of each thread's own, as calculators are not made for several."""
        known = _known()
        if self.key not in known:
            data = self.data
            if data is None:
                assert self.path is not None
                with open(self.path, "rb") as file:
                    data = file.read()
            operation = pickle.loads(data)
            if operation.initializer is not None:
                operation.initializer()
            while len(known) > 8:
                del known[next(iter(known))]
            known[self.key] = operation
        found: Operation = known[self.key]
        return found

    def forget(self) -> None:
        """The operation is over, here."""
        _known().pop(self.key, None)


_threads = threading.local()


def _known() -> dict[str, Any]:
    if not hasattr(_threads, "operations"):
        _threads.operations = {}
    found: dict[str, Any] = _threads.operations
    return found
