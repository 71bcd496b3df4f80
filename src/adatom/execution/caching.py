"""Where a job meets the cache: its key, what is stored under it, and what is stored when it is done."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from adatom.cache import MISS
from adatom.errors import AdatomError, StorageError
from adatom.execution.directories import RunDirectory
from adatom.settings import get_settings

if TYPE_CHECKING:
    from adatom.cache.explain import Explanation
    from adatom.cache.key import Key
    from adatom.workflow.job import Job
    from adatom.workflow.options import FlowOptions, JobOptions

__all__ = ["Caching", "FlowCaching", "caching_of", "explain", "flow_caching"]

_DEFAULT = "inputs+source"


@dataclass(frozen=True)
class Caching:
    """How one call is looked up, and stored when it is done.

    Attributes
    ----------
    policy, version, reads, key_functions
        As `cache.key.make_key` takes them.
    refresh
        Whether what is stored is replaced and not used.
    key
        The call's key; None where it is not known yet, as its arguments have no values.
    """

    policy: str | Callable[..., Any]
    version: str | int | None
    reads: tuple[str, ...]
    key_functions: Mapping[str, Callable[[Any], Any]]
    refresh: bool
    key: Key | None = None

    def of_call(self, name: str, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Caching | None:
        """The same with a key; None, with a warning, where the call has none.

        Parameters
        ----------
        name
            What the job is called.
        function, args, kwargs
            The call.
        """
        try:
            key = self.make_key(function, args, kwargs)
        except TypeError as error:  # the job itself says what is wrong with its arguments
            if isinstance(error, AdatomError):
                _warn(f"{name} runs uncached: {error}. Pass plain data, or give a key function: @job(cache=...).")
            return None
        return replace(self, key=key)

    def make_key(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Key:
        """The key of a call.

        Parameters
        ----------
        function, args, kwargs
            The call.

        Raises
        ------
        TypeError
            The arguments do not fit the function, or one of them has no key; it is named.
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
        """What is stored for the call, its labels those of the arguments; else `MISS`.

        Parameters
        ----------
        function, args, kwargs
            The call.
        """
        from adatom.cache.store import open_store
        from adatom.cache.types import relabelled

        if self.refresh or self.key is None:
            return MISS
        value = open_store().get(self.key.digest)
        return MISS if value is MISS else relabelled(value, function, args, kwargs, self.reads)

    def keep(self, name: str, value: Any, directory: RunDirectory | None = None, quiet: bool = False) -> None:
        """Store a result. Where that cannot be there is a warning, as the result itself is not lost.

        Parameters
        ----------
        name
            What the job is called.
        value
            The result.
        directory
            That of the job.
        quiet
            No warning: somebody else will see that it is not there.
        """
        from adatom.cache.store import open_store

        assert self.key is not None
        try:
            open_store().put(self.key, value)
            if directory and directory.may_be_gone_on_from:
                open_store().forget_resumable(self.key.digest)
        except StorageError as error:
            if not quiet:
                _warn(f"The result of {name} is not stored: {error}")

    def resume(self, directory: RunDirectory) -> None:
        """Let a job go on from where an earlier run of it was cut, and keep where this one is.

        Parameters
        ----------
        directory
            That of the job.
        """
        from adatom.cache.store import open_store

        assert self.key is not None
        store, key = open_store(), self.key.digest
        directory.find_previous = None if self.refresh else lambda: store.resumable(key)
        directory.on_left = lambda final: store.put_resumable(key, final)

    def travelling(self) -> Caching:
        """The same in fewer bytes: what the code of the function is made of is written down here."""
        from adatom.cache.store import open_store

        if self.key is None:
            return self
        open_store().put_source(self.key)
        return replace(
            self, policy=_DEFAULT, key_functions={}, key=replace(self.key, source={})
        )  # a worker has no use for either

    def confirm(self, name: str, value: Any) -> None:
        """Store a result here if the worker could not, as its disk is another one, or full.

        Parameters
        ----------
        name, value
            As in `keep`.
        """
        from adatom.cache.store import open_store

        if self.key is not None and not open_store().has(self.key.digest):
            self.keep(name, value)


class FlowCaching(NamedTuple):
    """What holds in a flow for the jobs that do not say.

    Attributes
    ----------
    cache, refresh_cache
        As the options of a flow say.
    """

    cache: Any
    refresh_cache: bool


def flow_caching(flows: list[FlowOptions]) -> FlowCaching:
    """What holds in a flow for the jobs that do not say.

    Parameters
    ----------
    flows
        Its options and those of the flows around it, the innermost first.
    """
    cache = next((options.cache for options in flows if options.cache is not None), None)
    return FlowCaching(cache, any(options.refresh_cache for options in flows))


def caching_of(job: JobOptions, around: FlowCaching) -> Caching | None:
    """How a job's calls are cached; None if they are not.

    Parameters
    ----------
    job
        Its options.
    around
        What holds in the flow that calls it.
    """
    policy: Any = job.cache if job.cache is not None else job.persist_result
    if policy is None:
        policy = around.cache if around.cache is not None else get_settings().cache
    if policy is False or policy == "off":
        return None
    refresh = job.refresh_cache or around.refresh_cache
    return _caching(job, _DEFAULT if policy in (True, "on") else policy, refresh)


def _caching(job: JobOptions, policy: Any, refresh: bool) -> Caching:
    return Caching(policy, job.version, tuple(job.reads), job.key_functions, refresh)


def explain(job: Job[Any, Any], /, *args: Any, **kwargs: Any) -> Explanation:
    """Say whether a call of a job is in the cache and, if it is not, what differs from the nearest one that is.

    Nothing is computed.

    Parameters
    ----------
    job
        The job.
    *args, **kwargs
        With what it would be called.

    Returns
    -------
    Explanation
        ``hit``, ``key``, ``reason``, ``nearest`` and ``differences``; its ``str`` is for people.

    Raises
    ------
    TypeError
        The arguments do not fit the job, or one of them has no key; it is named.
    """
    from adatom.cache.explain import explain_key
    from adatom.cache.store import open_store

    found = caching_of(job.options, flow_caching([]))
    key = (found or _caching(job.options, _DEFAULT, False)).make_key(job, args, kwargs)
    explanation = explain_key(open_store(), key)
    if found is None:
        off = f"The cache is off here. With ADATOM_CACHE=on: {explanation.reason}"
        return replace(explanation, hit=False, reason=off)
    return explanation


def _warn(message: str) -> None:
    from adatom.cache.store import CacheWarning

    warnings.warn(message, CacheWarning, stacklevel=2)
