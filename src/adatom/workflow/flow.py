"""``@flow`` and ``@subflow``: functions that call jobs and pass their results on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, overload

from adatom.errors import UnknownNameError
from adatom.execution.context import in_job
from adatom.execution.registry import get_engine
from adatom.workflow.future import Future
from adatom.workflow.job import Job, _awaited, _finished, job
from adatom.workflow.options import FlowOptions, with_changes
from adatom.workflow.scope import Scope, current_scope, in_background
from adatom.workflow.step import Step

if TYPE_CHECKING:
    from adatom.workflow.plan import Plan

__all__ = ["Flow", "Subflow", "flow", "subflow"]

P = ParamSpec("P")
R = TypeVar("R")


class Flow(Step[P, R]):
    """A function that calls jobs and passes their results on; made by `flow`.

    A flow with jobs among its parameters takes two more keyword arguments. ``job_params`` gives other default values
    to its jobs, ``job_decorators`` functions to apply to them; both are dictionaries by parameter name, where
    ``"all"`` stands for every job.
    """

    options: FlowOptions
    waits: ClassVar[bool] = False

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it: its finished value, or a `Future` in the body of another flow."""
        given, named = self._arguments(args, dict(kwargs))
        if in_job():
            return self._fn(*given, **named)
        scope = current_scope()
        if scope is not None:
            return scope.inner(self, given, named)  # type: ignore[return-value]
        if _awaited(self.fn):
            return self.submit(*args, **kwargs)  # type: ignore[return-value]
        return self._run(given, named)

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future:
        """Start it and give a `Future`, at once, wherever this stands.

        Parameters
        ----------
        *args, **kwargs
            The function's.
        """
        if in_job():
            return _finished(self.name, lambda: self(*args, **kwargs))
        if current_scope() is not None:
            return self(*args, **kwargs)  # type: ignore[return-value]
        given, named = self._arguments(args, dict(kwargs))
        return in_background(self.name, lambda: self._run(given, named))

    def plan(self, *args: P.args, **kwargs: P.kwargs) -> Plan:
        """Tell what it will run, without running it.

        Parameters
        ----------
        *args, **kwargs
            The function's.

        Returns
        -------
        Plan
            Jobs by name, how many of each, and core hours where the journal in ``results_dir`` knows of earlier ones.

        Raises
        ------
        AdatomError
            The flow refuses its input.
        """
        from adatom.workflow.plan import make_plan

        return make_plan(self, *self._arguments(args, dict(kwargs)))

    def run_in_place(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it where this code already stands in what the engine calls a flow: for `Engine.native_flow`.

        Parameters
        ----------
        *args, **kwargs
            The function's.
        """
        given, named = self._arguments(args, dict(kwargs))
        scope = Scope.of_flow(self.name, self.options)
        return scope.run_in_place(lambda: scope.run_body(self._fn, given, named))

    @property
    def native(self) -> Any:
        """The selected engine's own object for this flow: a ``prefect.Flow``, elsewhere the plain function."""
        return get_engine(self.options.runner).native_flow(self)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        scope = Scope.of_flow(self.name, self.options)
        return scope.run_flow(lambda: scope.run_body(self._fn, args, kwargs))

    def _arguments(self, args: Any, kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments with defaults, jobs among them as `job_params` and `job_decorators` ask."""
        signature = inspect.signature(self._fn)
        params = kwargs.pop("job_params", None) if "job_params" not in signature.parameters else None
        decorators = kwargs.pop("job_decorators", None) if "job_decorators" not in signature.parameters else None
        bound = signature.bind_partial(*args)
        named = {**{key: value for key, value in self.defaults.items() if key not in bound.arguments}, **kwargs}
        bound = signature.bind(*args, **named)
        bound.apply_defaults()
        jobs = {}
        for key, value in bound.arguments.items():
            if isinstance(value, Job):
                jobs[key] = value
            elif callable(value) and isinstance(self._default_of(key), Job) and not isinstance(value, Step):
                jobs[key] = job(value)  # a plain function in a job's place
        for asked in (params or {}, decorators or {}):
            for key in asked:
                if key not in (*jobs, "all"):
                    raise UnknownNameError(f"job of {self.name}", key, [*jobs, "all"])
        for key, value in jobs.items():
            bound.arguments[key] = _decorated(_with_params(value, key, params or {}), key, decorators or {})
        if params and "all" in params:
            _refuse_unknown_params(self.name, jobs, params["all"])
        return bound.args, bound.kwargs

    def _default_of(self, key: str) -> Any:
        return self.__signature__.parameters[key].default


class Subflow(Flow[P, R]):
    """A flow whose body runs when its inputs have values; made by `subflow`."""

    waits = True


def _with_params(value: Job[Any, Any], key: str, params: Mapping[str, Mapping[str, Any]]) -> Job[Any, Any]:
    for_all = {name: item for name, item in params.get("all", {}).items() if _takes(value, name)}
    defaults = {**for_all, **params.get(key, {})}
    return value.bind(**defaults) if defaults else value


def _decorated(value: Job[Any, Any], key: str, decorators: Mapping[str, Callable[[Any], Any]]) -> Job[Any, Any]:
    for name in ("all", key):
        if name in decorators:
            value = job(decorators[name](value))
    return value


def _takes(value: Job[Any, Any], name: str) -> bool:
    parameters = inspect.signature(value._fn).parameters
    return name in parameters or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def _refuse_unknown_params(flow_name: str, jobs: Mapping[str, Job[Any, Any]], params: Mapping[str, Any]) -> None:
    for name in params:
        if not any(_takes(value, name) for value in jobs.values()):
            known = {key for value in jobs.values() for key in inspect.signature(value._fn).parameters}
            raise UnknownNameError(f"parameter of the jobs of {flow_name}", name, known)


@overload
def flow(fn: Callable[P, R], /, **options: Any) -> Flow[P, R]: ...
@overload
def flow(fn: None = None, /, **options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a flow; as ``@flow``, ``@flow(on_failure="return")`` or ``flow(function)``.

    Parameters
    ----------
    fn
        The function. Jobs that it calls give futures; what it returns comes back with values in their places.
    **options
        As `FlowOptions` says.

    Raises
    ------
    UnknownNameError
        There is no such option.
    """
    return _make(Flow, fn, options)


@overload
def subflow(fn: Callable[P, R], /, **options: Any) -> Subflow[P, R]: ...
@overload
def subflow(fn: None = None, /, **options: Any) -> Callable[[Callable[P, R]], Subflow[P, R]]: ...
def subflow(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a subflow: a flow whose jobs are known only once its inputs have values.

    Parameters
    ----------
    fn
        The function. Its body runs when its inputs have values, so it may loop over them and test them.
    **options
        As `FlowOptions` says.
    """
    return _make(Subflow, fn, options)


def _make(kind: type[Flow[Any, Any]], fn: Callable[..., Any] | None, options: dict[str, Any]) -> Any:
    if fn is None:
        with_changes(FlowOptions(), options)
        return lambda function: _make(kind, function, options)
    if isinstance(fn, Flow):
        return fn.with_options(**options)
    return kind(fn, with_changes(FlowOptions(), options))
