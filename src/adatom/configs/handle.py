"""Delivery of operations, and of calculators that many structures share, to each worker once."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import cloudpickle

from adatom.configs.operation import Operation
from adatom.errors import InputError, StorageError
from adatom.utils.trust import open_trusted

__all__ = ["Handle"]

_KEPT = 16  # objects in each thread; more than an operation has shared calculators


@dataclass(frozen=True)
class Handle:
    """Reference that is sent in place of an object, and from which each worker loads the object once.

    Attributes
    ----------
    key
        Identifier of the object, by which a thread finds one that it has loaded.
    data
        The object as pickled bytes; None: it is in the file `path`, or in this process.
    path
        File with the pickled bytes, if they are too many to be sent with each part; None: no file.
    """

    key: str
    data: bytes | None = None
    path: str | None = None

    @classmethod
    def here(cls, operation: Operation) -> Handle:
        """Return a handle for this thread alone. Nothing is pickled, and a calculator in the operation keeps its state.

        Parameters
        ----------
        operation
            Operation that the handle is to load.
        """
        handle = cls(f"here-{id(operation)}")
        _known()[handle.key] = operation
        return handle

    @classmethod
    def packed(cls, value: Any, name: str) -> Handle:
        """Return a handle that any process can load.

        Parameters
        ----------
        value
            Operation or calculator to send to workers.
        name
            Name of the value in error messages.

        Raises
        ------
        InputError
            The value cannot be pickled.
        """
        try:
            data = cloudpickle.dumps(value)
        except Exception as error:
            raise InputError(
                f"{name} cannot be sent to worker processes: {error}. Pass plain data, and a calculator as "
                "(constructor, args, kwargs) or by name; or use one worker."
            ) from error
        return cls(_digest(data), data)

    @property
    def is_here(self) -> bool:
        """True if the object is not pickled, and can be loaded in this process alone."""
        return self.data is None and self.path is None

    def load(self) -> Any:
        """Return the object. Each thread has its own, as calculators are not made for use in several threads."""
        known = _known()
        if self.key not in known:
            value = self.read()
            if isinstance(value, Operation) and value.initializer is not None:
                value.initializer()
            while len(known) >= _KEPT:
                del known[next(iter(known))]
            known[self.key] = value
        known[self.key] = known.pop(self.key)  # moved to the end, so that the least recently used is dropped
        return known[self.key]

    def read(self) -> Any:
        """Return the object anew. An operation is not initialized."""
        data = self.data
        if data is None:
            assert self.path is not None
            with open_trusted(Path(self.path), own_directory=False) as file:
                data = file.read()
            if _digest(data) != self.key:
                raise StorageError(f"{self.path} is not what was sent. Run it again.")
        return pickle.loads(data)

    def forget(self) -> None:
        """Drop the object from this thread."""
        _known().pop(self.key, None)


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


_threads = threading.local()


def _known() -> dict[str, Any]:
    if not hasattr(_threads, "known"):
        _threads.known = {}
    found: dict[str, Any] = _threads.known
    return found
