"""The rules by which the result of one call is looked up in the cache, and stored."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adatom.cache import MISS
from adatom.errors import AdatomError, StorageError
from adatom.execution.directories import RunDirectory

if TYPE_CHECKING:
    from adatom.cache.key import Key

__all__ = ["INPUTS_AND_SOURCE", "Caching"]

INPUTS_AND_SOURCE = "inputs+source"


@dataclass(frozen=True)
class Caching:
    """Rules by which one call is looked up in the cache, and its result stored.

    Attributes
    ----------
    policy, version, reads, key_functions
        Parameters of the same names of `adatom.cache.key.make_key`.
    refresh
        Whether a stored result is replaced and not used.
    stores
        Whether results are looked up and stored here. If not, only the files of runs that were cut are found again.
    key
        Key of the call; None while it is unknown, as the arguments have no values yet.
    """

    policy: str | Callable[..., Any]
    version: str | int | None
    reads: tuple[str, ...]
    key_functions: Mapping[str, Callable[[Any], Any]]
    refresh: bool
    stores: bool = True
    key: Key | None = None

    def of_call(self, name: str, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Caching | None:
        """Return the same rules with the key of a call; None, with a warning, if the call cannot have a key.

        Parameters
        ----------
        name
            Name of the job, for the warning.
        function, args, kwargs
            Function of the job, and arguments of the call.
        """
        try:
            key = self.make_key(function, args, kwargs)
        except TypeError as error:  # arguments that do not fit make the job itself fail, with a message
            if isinstance(error, AdatomError):
                _warn(
                    f"{name} runs uncached: {error}. Pass plain data, make such an object inside the function, or say "
                    "what counts with a key function: @job(cache=...)."
                )
            return None
        return replace(self, key=key)

    def make_key(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Key:
        """Return the key of a call.

        Parameters
        ----------
        function, args, kwargs
            Function of the job, and arguments of the call.

        Raises
        ------
        TypeError
            The arguments do not fit the function, or one of them has no key; the message names it.
        """
        from adatom.cache.key import make_key

        return make_key(
            function,
            args,
            kwargs,
            policy=self.policy,
            version=self.version,
            reads=self.reads,
            key_functions=self.key_functions,
        )

    def find(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Return the stored result of the call, with the labels of its arguments; `MISS` if there is none.

        Parameters
        ----------
        function, args, kwargs
            Function of the job, and arguments of the call.
        """
        from adatom.cache.store import open_store
        from adatom.cache.types import relabelled

        if self.refresh or self.key is None or not self.stores:
            return MISS
        value = open_store().get(self.key.digest)
        return MISS if value is MISS else relabelled(value, function, args, kwargs, self.reads)

    def keep(self, name: str, value: Any, directory: RunDirectory | None = None, quiet: bool = False) -> None:
        """Store a result, or warn if that is impossible: the result itself is not lost.

        Parameters
        ----------
        name
            Name of the job, for the warning.
        value
            Result of the job.
        directory
            Run directory of the job; None if it is not known here.
        quiet
            Whether to leave the warning to the caller's process, which will notice that the result is missing.
        """
        from adatom.cache.store import open_store

        assert self.key is not None
        try:
            if self.stores:
                open_store().put(self.key, value)
            if directory and directory.is_resumable:
                open_store().forget_resumable(self.key.digest)
        except StorageError as error:
            if not quiet:
                _warn(f"The result of {name} is not stored: {error}")

    def resume(self, directory: RunDirectory) -> None:
        """Let a job go on from the files of an earlier run that was cut, and remember the directory of this run.

        Parameters
        ----------
        directory
            Run directory of the job.
        """
        from adatom.cache.store import open_store

        assert self.key is not None
        store, key = open_store(), self.key.digest
        directory.find_previous = None if self.refresh else lambda: store.resumable(key)
        directory.on_resumable = lambda final: store.put_resumable(key, final)

    def travelling(self) -> Caching:
        """Return the same rules in fewer bytes; the source of the function is written into the cache here."""
        from adatom.cache.store import open_store

        if self.key is None:
            return self
        open_store().put_source(self.key)
        return replace(
            self, policy=INPUTS_AND_SOURCE, key_functions={}, key=replace(self.key, source={})
        )  # a worker needs neither `key_functions` nor the source

    def confirm(self, name: str, value: Any) -> None:
        """Store a result here if the worker could not, as its disk is another one, or full.

        Parameters
        ----------
        name, value
            Name of the job, and its result.
        """
        from adatom.cache.store import open_store

        if self.key is not None and (self.refresh or not open_store().has(self.key.digest)):
            self.keep(name, value)


def _warn(message: str) -> None:
    from adatom.cache.store import CacheWarning

    warnings.warn(message, CacheWarning, stacklevel=2)
