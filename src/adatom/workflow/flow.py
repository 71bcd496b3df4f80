"""``@flow`` and ``@subflow``: functions that call jobs and pass their results on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeVar, overload

from adatom.execution.context import in_job
from adatom.execution.progress import progress_shown
from adatom.execution.registry import get_engine
from adatom.utils.nested import copied
from adatom.workflow.background import finished_future, in_background, is_awaited
from adatom.workflow.binding import bind_arguments
from adatom.workflow.end import run_flow
from adatom.workflow.future import Future
from adatom.workflow.graph import Graph, current_graph
from adatom.workflow.options import FlowOptions, with_changes
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

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "task_runner":
            object.__setattr__(self, "options", with_changes(self.options, _our_names({name: value})))
        else:
            super().__setattr__(name, value)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the flow: return its value or, in the body of another flow, a `Future`."""
        given, named = bind_arguments(self, args, kwargs)
        if in_job():
            return self._fn(*given, **named)
        graph = current_graph()
        if graph is not None:
            return graph.inner(self, given, named)  # type: ignore[return-value]
        if is_awaited(self._fn):
            return self.submit(*args, **kwargs)  # type: ignore[return-value]
        with progress_shown(self.name):
            return self._run(given, named)

    def with_options(self, **changes: Any) -> Self:
        """Return the same flow with other options.

        Parameters
        ----------
        **changes
            New values by the name of the option; as with Prefect's flows, ``task_runner`` is `runner`.

        Raises
        ------
        UnknownNameError
            There is no such option; the message lists all options.
        """
        return super().with_options(**_our_names(changes))

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future:
        """Start the flow and return a `Future` at once, wherever the call stands.

        Parameters
        ----------
        *args, **kwargs
            Arguments of the function.
        """
        if in_job():
            return finished_future(self.name, lambda: self(*args, **kwargs))
        if current_graph() is not None:
            return self(*args, **kwargs)  # type: ignore[return-value]
        given, named = copied(bind_arguments(self, args, kwargs))
        return in_background(self.name, lambda: self._run(given, named), self.options.runner)

    def plan(self, *args: P.args, **kwargs: P.kwargs) -> Plan:
        """Tell which jobs the flow will run, without running them.

        Parameters
        ----------
        *args, **kwargs
            Arguments of the function.

        Returns
        -------
        Plan
            Jobs by name with the number of each, and core hours if the journal in ``results_dir`` knows earlier ones.

        Raises
        ------
        AdatomError
            The flow refuses its input.
        """
        from adatom.workflow.plan import make_plan

        return make_plan(self, *bind_arguments(self, args, kwargs))

    def run_in_place(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the flow inside a flow of the engine's own that already runs: for `Engine.native_flow`.

        Parameters
        ----------
        *args, **kwargs
            Arguments of the function.
        """
        return self._run(*bind_arguments(self, args, kwargs), in_place=True)

    @property
    def native(self) -> Any:
        """Object of the selected engine's own for this flow: a ``prefect.Flow``, elsewhere the plain function."""
        return get_engine(self.options.runner).native_flow(self)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any], in_place: bool = False) -> Any:
        graph = Graph.of_flow(self.name, self.options)
        return run_flow(graph, lambda: graph.run_body(self._fn, args, kwargs), in_place)


class Subflow(Flow[P, R]):
    """A flow whose body runs when its arguments have values; made by `subflow`."""

    waits = True


@overload
def flow(fn: Callable[P, R], /, **options: Any) -> Flow[P, R]: ...
@overload
def flow(fn: None = None, /, **options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a flow; as ``@flow``, ``@flow(on_failure="return")`` or ``flow(function)``.

    Parameters
    ----------
    fn
        Function. Jobs that it calls return futures; its value comes back with results in place of futures.
    **options
        Options by name, as in `FlowOptions`; as with Prefect's flows, ``task_runner`` is `runner`.

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
    """Make a function a subflow: a flow whose jobs are known only once its arguments have values.

    Parameters
    ----------
    fn
        Function. Its body runs when its arguments have values, so it may loop over them and test them.
    **options
        Options by name, as in `FlowOptions`.
    """
    return _make(Subflow, fn, options)


def _our_names(options: dict[str, Any]) -> dict[str, Any]:
    return {"runner" if name == "task_runner" else name: value for name, value in options.items()}


def _make(kind: type[Flow[Any, Any]], fn: Callable[..., Any] | None, options: dict[str, Any]) -> Any:
    options = _our_names(options)
    if fn is None:
        with_changes(FlowOptions(), options)
        return lambda function: _make(kind, function, options)
    if isinstance(fn, Flow):
        return fn.with_options(**options)
    return kind(fn, with_changes(FlowOptions(), options))
