"""The arguments of a flow: defaults, `job_params` and `job_decorators` applied to the jobs among them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from adatom.errors import UnknownNameError
from adatom.utils.merge import layered
from adatom.workflow.job import Job, job
from adatom.workflow.step import Step

if TYPE_CHECKING:
    from adatom.workflow.flow import Flow

__all__ = ["bind_arguments"]

_FOR_JOBS = ("job_params", "job_decorators")


def bind_arguments(
    flow: Flow[Any, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return all arguments of a flow's function, positional and by keyword.

    Parameters
    ----------
    flow
        Flow that is called.
    args, kwargs
        Arguments of the call, with ``job_params`` and ``job_decorators`` unless the function has such parameters.

    Raises
    ------
    UnknownNameError
        ``job_params`` or ``job_decorators`` name a job or parameter that is not there.
    ArgumentsError
        The arguments do not fit the function.
    """
    signature = inspect.signature(flow._fn)
    given = dict(kwargs)
    params, decorators = (given.pop(name, None) or {} if name not in signature.parameters else {} for name in _FOR_JOBS)
    try:
        positional = signature.bind_partial(*args).arguments
        defaults = {key: value for key, value in flow.defaults.items() if key not in positional}
        bound = signature.bind(*args, **layered(defaults, given))
    except TypeError as error:
        raise flow._misfit(given, error) from None
    bound.apply_defaults()
    jobs = _jobs_among(bound.arguments, {**{p.name: p.default for p in signature.parameters.values()}, **flow.defaults})
    _refuse_unknown(flow.name, jobs, params, decorators)
    for key, value in jobs.items():
        bound.arguments[key] = _decorated(_with_params(value, key, params), key, decorators)
    return bound.args, bound.kwargs


def _jobs_among(arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Job[Any, Any]]:
    """Return the jobs among arguments; a plain function in the place of a job becomes one."""
    jobs = {}
    for key, value in arguments.items():
        if isinstance(value, Job):
            jobs[key] = value
        elif isinstance(defaults.get(key), Job) and callable(value) and not isinstance(value, Step):
            jobs[key] = job(value)
    return jobs


def _refuse_unknown(
    flow_name: str, jobs: Mapping[str, Job[Any, Any]], params: Mapping[str, Any], decorators: Mapping[str, Any]
) -> None:
    for key in [*params, *decorators]:
        if key not in jobs and key != "all":
            raise UnknownNameError(f"job of {flow_name}", key, [*jobs, "all"])
    for name in params.get("all", {}):
        if not any(_takes(value, name) for value in jobs.values()):
            known = {key for value in jobs.values() for key in inspect.signature(value._fn).parameters}
            raise UnknownNameError(f"parameter of the jobs of {flow_name}", name, known)


def _with_params(value: Job[Any, Any], key: str, params: Mapping[str, Mapping[str, Any]]) -> Job[Any, Any]:
    for_all = {name: item for name, item in params.get("all", {}).items() if _takes(value, name)}
    for layer in (for_all, params.get(key, {})):
        value = value.bind(**layer) if layer else value
    return value


def _decorated(value: Job[Any, Any], key: str, decorators: Mapping[str, Callable[[Any], Any]]) -> Job[Any, Any]:
    for name in ("all", key):
        if name in decorators:
            value = job(decorators[name](value))
    return value


def _takes(value: Job[Any, Any], name: str) -> bool:
    parameters = inspect.signature(value._fn).parameters
    return name in parameters or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
