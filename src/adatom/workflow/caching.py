"""The caching of a job, by its own options, those of the flows around it, and the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adatom.execution.caching import INPUTS_AND_SOURCE, Caching
from adatom.settings import get_settings

if TYPE_CHECKING:
    from adatom.cache.explain import Explanation
    from adatom.workflow.job import Job
    from adatom.workflow.options import JobOptions

__all__ = ["caching_of", "explain"]


def caching_of(options: JobOptions, cache: Any = None, refresh_cache: bool = False) -> Caching | None:
    """Return the rules by which a job's calls are cached; None if they are not.

    Parameters
    ----------
    options
        Options of the job.
    cache, refresh_cache
        Options of the flow around the job, which hold where the job says nothing.
    """
    policy: Any = options.cache if options.cache is not None else options.persist_result
    if policy is None:
        policy = cache if cache is not None else get_settings().cache
    if policy is False or policy == "off":
        return None
    policy = INPUTS_AND_SOURCE if policy in (True, "on") else policy
    return _caching(options, policy, options.refresh_cache or refresh_cache)


def _caching(options: JobOptions, policy: Any, refresh: bool) -> Caching:
    return Caching(policy, options.version, tuple(options.reads), options.key_functions, refresh)


def explain(job: Job[Any, Any], /, *args: Any, **kwargs: Any) -> Explanation:
    """Say whether a call of a job is in the cache and, if it is not, what differs from the nearest stored call.

    Nothing is computed.

    Parameters
    ----------
    job
        Job that would be called.
    *args, **kwargs
        Arguments of the call.

    Returns
    -------
    Explanation
        ``hit``, ``key``, ``reason``, ``nearest`` and ``differences``; its ``str`` is for people.

    Raises
    ------
    TypeError
        The arguments do not fit the job, or one of them has no key; the message names it.
    """
    from adatom.cache.explain import explain_key
    from adatom.cache.store import open_store

    found = caching_of(job.options)
    key = (found or _caching(job.options, INPUTS_AND_SOURCE, False)).make_key(job, args, kwargs)
    explanation = explain_key(open_store(), key)
    if found is None:
        off = f"The cache is off here. With ADATOM_CACHE=on: {explanation.reason}"
        return replace(explanation, hit=False, reason=off)
    return explanation
