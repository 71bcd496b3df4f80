"""``@job``: a function that computes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar, overload

from adatom.errors import InputError
from adatom.execution.batch import map_in_batches
from adatom.execution.context import ahead, in_job
from adatom.execution.failure import Failure
from adatom.execution.registry import get_engine
from adatom.workflow.future import Future, Node
from adatom.workflow.options import FlowOptions, JobOptions, with_changes
from adatom.workflow.scope import Scope, current_scope, in_background
from adatom.workflow.step import Step

__all__ = ["Job", "job"]

P = ParamSpec("P")
R = TypeVar("R")


class Job(Step[P, R]):
    """A function that computes; made by `job`."""

    options: JobOptions

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it: the finished result, or a `Future` in the body of a flow."""
        if in_job():
            return self._plain(args, kwargs)
        scope = current_scope()
        if scope is not None:
            return scope.add(self, args, kwargs)  # type: ignore[return-value]
        if _awaited(self.fn):
            return self.submit(*args, **kwargs)  # type: ignore[return-value]
        scope = Scope.of_job(self.name, self.options.label)
        return scope.run(lambda: scope.add(self, args, kwargs)).result()

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future:
        """Start it and give a `Future`, at once, wherever this stands.

        Parameters
        ----------
        *args, **kwargs
            The function's.
        """
        if in_job():
            return _finished(self.name, lambda: self._plain(args, kwargs))
        scope = current_scope()
        if scope is not None:
            return scope.add(self, args, kwargs)
        if not get_engine().capabilities.waits_in_flow:
            return in_background(self.name, lambda: self(*args, **kwargs))
        scope = Scope.of_job(self.name, self.options.label)
        future = scope.add(self, args, kwargs)
        scope.engine.standing.add(future._node)
        return future

    def map(self, items: Iterable[Any], /, **common: Any) -> list[Any]:
        """Run it once for each item, several in one task of the engine where they are short.

        Parameters
        ----------
        items
            Values of the first parameter.
        **common
            The other arguments, the same for all.

        Returns
        -------
        list
            Results, or futures in the body of a flow, in the order of the items.

        Raises
        ------
        FlowFailure
            Outside a flow: some failed, after all others were done.
        """
        if isinstance(items, Future):
            raise InputError(f"{items!r} has no length yet: call {self.name}.map in a @subflow that is given it.")
        if in_job():
            return [self._plain((item,), common) for item in items]
        scope = current_scope()
        if scope is not None:
            return map_in_batches(scope, self, list(items), common)
        scope = Scope.of_flow(f"{self.name}.map", FlowOptions(label=self.options.label))
        return scope.run_flow(lambda: map_in_batches(scope, self, list(items), common))

    def _plain(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run it inside a job. What was done ahead for another one is not for this."""
        if ahead.get()[0] == self.recipe:
            return super()._plain(args, kwargs)
        token = ahead.set(("", None))
        try:
            return super()._plain(args, kwargs)
        finally:
            ahead.reset(token)

    @property
    def native(self) -> Any:
        """The selected engine's own object for this job, e.g. a ``prefect.Task``."""
        return get_engine().native(self.fn, self.name, dict(self.options.engine_options))


def _awaited(fn: Callable[..., Any]) -> bool:
    """Whether this is asynchronous code calling an asynchronous function: it wants something to await."""
    if not inspect.iscoroutinefunction(fn):
        return False
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _finished(name: str, function: Callable[[], Any]) -> Future:
    node = Node(name)
    try:
        node.set_result(function())
    except Exception as error:
        node.set_result(Failure.of(error, name, None))
    return Future(node)


@overload
def job(fn: Callable[P, R], /, **options: Any) -> Job[P, R]: ...
@overload
def job(fn: None = None, /, **options: Any) -> Callable[[Callable[P, R]], Job[P, R]]: ...
def job(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a job; as ``@job``, ``@job(retries=2)`` or ``job(function)``.

    Parameters
    ----------
    fn
        The function, or a job, whose options are changed.
    **options
        As `JobOptions` says.

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
