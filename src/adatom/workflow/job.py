"""``@job``: a function that computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar, overload

from adatom.errors import InputError
from adatom.execution.context import current_job, job_context
from adatom.execution.progress import progress_shown
from adatom.execution.registry import get_engine
from adatom.utils.nested import copied
from adatom.workflow.background import finished_future, in_background, is_awaited
from adatom.workflow.end import run_flow
from adatom.workflow.future import Future
from adatom.workflow.graph import Graph, current_graph
from adatom.workflow.mapping import map_in_batches
from adatom.workflow.options import FlowOptions, JobOptions, with_changes
from adatom.workflow.step import Step

__all__ = ["Job", "job"]

P = ParamSpec("P")
R = TypeVar("R")


class Job(Step[P, R]):
    """A function that computes; made by `job`."""

    options: JobOptions

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the job: return its result or, in the body of a flow, a `Future`."""
        kwargs = self._given(args, kwargs)  # type: ignore[assignment]
        if current_job().engine:
            return self._plain(args, kwargs)
        graph = current_graph()
        if graph is not None:
            return graph.add(self, args, kwargs)  # type: ignore[return-value]
        if is_awaited(self._fn):
            return self.submit(*args, **kwargs)  # type: ignore[return-value]
        graph = Graph.of_job(self.name, self.options.label)
        return graph.run(lambda: graph.add(self, args, kwargs)).result()

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future:
        """Start the job and return a `Future` at once, wherever the call stands.

        Parameters
        ----------
        *args, **kwargs
            Arguments of the function.
        """
        kwargs = self._given(args, kwargs)  # type: ignore[assignment]
        if current_job().engine:
            return finished_future(self.name, lambda: self._plain(args, kwargs))
        graph = current_graph()
        if graph is not None:
            return graph.add(self, args, kwargs)
        if not get_engine().capabilities.waits_in_flow:
            taken = copied((args, kwargs))
            return in_background(self.name, lambda: self(*taken[0], **taken[1]))
        graph = Graph.of_job(self.name, self.options.label)
        future = graph.add(self, args, kwargs)
        graph.engine.stand(future._node)
        return future

    def map(self, items: Iterable[Any], /, **common: Any) -> list[Any]:
        """Run the job once for each item, several items in one task of the engine where they are short.

        Parameters
        ----------
        items
            Values of the first parameter.
        **common
            Other arguments, the same for all items.

        Returns
        -------
        list
            Results or, in the body of a flow, futures, in the order of the items.

        Raises
        ------
        FlowFailure
            Outside of a flow: some items failed, after all others were done.
        """
        return self.map_after((), items, common)

    def map_after(self, before: tuple[Any, ...], items: Iterable[Any], common: dict[str, Any]) -> list[Any]:
        """Run the job once for each item, as `map` does, where the items are not the first argument.

        Parameters
        ----------
        before
            Positional arguments before the items.
        items, common
            Items, and the other arguments by name.
        """
        if isinstance(items, Future):
            raise InputError(f"{items!r} has no length yet: call {self.name}.map in a @subflow that is given it.")
        calls = [(*before, item) for item in items]
        common = self._given(calls[0] if calls else (None,), common)
        if current_job().engine:
            return [self._plain(args, common) for args in calls]
        graph = current_graph()
        if graph is not None:
            return map_in_batches(graph, self, calls, common)
        with progress_shown(f"{self.name}.map"):
            graph = Graph.of_flow(f"{self.name}.map", FlowOptions(label=self.options.label))
            return run_flow(graph, lambda: map_in_batches(graph, self, calls, common, at_once=True))

    def _plain(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function inside another job, whose batch value is not for this one."""
        if current_job().batch_value is None:
            return self.fn(*args, **kwargs)
        with job_context(batch_value=None):
            return self.fn(*args, **kwargs)

    @property
    def native(self) -> Any:
        """Object of the selected engine's own for this job, e.g. a ``prefect.Task``."""
        return get_engine().native(self.fn, self.name, dict(self.options.engine_options))


@overload
def job(fn: Callable[P, R], /, **options: Any) -> Job[P, R]: ...
@overload
def job(fn: None = None, /, **options: Any) -> Callable[[Callable[P, R]], Job[P, R]]: ...
def job(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a job; as ``@job``, ``@job(retries=2)`` or ``job(function)``.

    Parameters
    ----------
    fn
        Function, or a job whose options are changed.
    **options
        Options by name, as in `JobOptions`.

    Raises
    ------
    UnknownNameError
        There is no such option.
    """
    if fn is None:
        with_changes(JobOptions(), options)  # refused on this line, not where the decorator is used
        return lambda function: job(function, **options)
    if isinstance(fn, Job):
        return fn.with_options(**options)
    return Job(fn, with_changes(JobOptions(), options))
