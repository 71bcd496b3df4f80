"""A handle on a result that is not there yet."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Generator
from typing import Any, Literal, NamedTuple, NoReturn

from adatom.errors import EngineError, FlowFailure
from adatom.execution.call import follow
from adatom.execution.failure import Failure
from adatom.utils.names import new_id
from adatom.utils.nested import collect, substitute

__all__ = ["DoneAndNotDone", "Future", "gather", "wait"]

_FINISHED = concurrent.futures._base.FINISHED


class Node(concurrent.futures.Future):  # type: ignore[type-arg]
    """One job, flow or subflow that was called. Its result is a value or a `Failure`; it never raises.

    Parameters
    ----------
    name
        What to call it before a person.
    directory
        Where its files will be.
    """

    def __init__(self, name: str, recipe: str = "") -> None:
        super().__init__()
        self.name = name
        self.recipe = recipe
        self.directory: str | None = None
        self.id = new_id()
        self.is_flow = not recipe
        self.handled = False  # the user looked at the failure, so the flow need not raise it
        self.tolerated: list[Failure] = []  # which this job was given and, if it succeeds, the flow need not raise
        self.handle: Any = None  # what an engine that traces knows it by
        # On an engine that traces:
        self.no_waiting = ""  # why nobody can wait for it here
        self.in_place: Any = None  # what the body of a flow returned, its futures in it
        self.hidden: list[Failure] = []  # of jobs in a subflow that its value does not show

    def settle(self, outcome: Any) -> None:
        """Set the result, unless the flow was interrupted meanwhile.

        Parameters
        ----------
        outcome
            A value or a `Failure`.
        """
        try:
            self.set_result(outcome)
        except concurrent.futures.InvalidStateError:
            pass

    # Each job is asked several times: without the locks of the base class that is 3 µs less for each. A node is never
    # cancelled, and its result is there before its state says so.

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._state == _FINISHED

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the outcome.

        Parameters
        ----------
        timeout
            Longest wait in seconds.
        """
        return self._result if self._state == _FINISHED else super().result(timeout)

    def cancel(self) -> bool:
        """Never: who stops waiting, as ``asyncio.wait_for`` does, does not stop the job."""
        return False


class Future:
    """What a call of a job gives inside a flow.

    ``future["key"]``, ``future[0]`` and ``future.attribute`` are futures too: the same one with a longer path, which
    costs nothing and starts nothing. Pass a future to another job, put it in lists, dictionaries and dataclasses,
    return it from a flow, or wait for it with `result` or ``await``.
    """

    __slots__ = ("__weakref__", "_node", "_path")

    def __init__(self, node: Node, path: tuple[tuple[str, Any], ...] = ()) -> None:
        self._node = node
        self._path = path

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Wait for the value.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None waits as long as it takes.
        raise_on_failure
            If False a `Failure` is returned where there is no value, and the flow does not raise for this job again.

        Raises
        ------
        JobFailure
            The job failed or was skipped.
        TimeoutError
            It is not done in time. The job goes on.
        EngineError
            The engine builds its graph before it runs, so nothing can be waited for in the body of a flow.
        """
        if self._node.no_waiting:
            raise EngineError(self._node.no_waiting)
        try:
            value = self._node.result(timeout)
        except concurrent.futures.TimeoutError:
            raise TimeoutError(f"{self._node.name} is not done after {timeout} s.") from None
        if not raise_on_failure:
            self._node.handled = True
        value = follow(value, self._path)
        if raise_on_failure:
            for failure in collect(value, Failure):
                raise failure.exception()
        return value

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is done, well or not.

        Parameters
        ----------
        timeout
            Longest wait in seconds.
        """
        wait([self], timeout)

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._node.done()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, and give what `result` would raise; None if all went well.

        Parameters
        ----------
        timeout
            Longest wait in seconds.
        """
        failures = collect(self.result(timeout, raise_on_failure=False), Failure)
        return failures[0].exception() if failures else None

    def add_done_callback(self, function: Callable[[Future], Any]) -> None:
        """Call a function with this future when it is done.

        Parameters
        ----------
        function
            Called in whichever thread learns of the end.
        """
        self._node.add_done_callback(lambda _: function(self))

    def __getitem__(self, key: Any) -> Any:
        return type(self)(self._node, (*self._path, ("item", key)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # so that copy, pickle, numpy and the like do not mistake a future for a value
            raise AttributeError(name)
        return type(self)(self._node, (*self._path, ("attribute", name)))

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        if self._node.no_waiting:
            raise EngineError(self._node.no_waiting)
        yield from asyncio.wrap_future(self._node).__await__()
        return self.result()

    def __iter__(self) -> NoReturn:
        raise self._no_value("iterated over")

    def __len__(self) -> NoReturn:
        raise self._no_value("measured")

    def __bool__(self) -> NoReturn:
        raise self._no_value("tested for truth")

    def _no_value(self, verb: str) -> TypeError:
        return TypeError(
            f"{self!r} has no value yet and cannot be {verb}. Pass it to a @subflow, whose body sees the value, "
            "or wait for it with .result()."
        )

    def __repr__(self) -> str:
        path = "".join(f"[{key!r}]" if how == "item" else f".{key}" for how, key in self._path)
        return f"<Future {self._node.name}{path}>"


class DoneAndNotDone(NamedTuple):
    """What `wait` gives."""

    done: set[Future]
    not_done: set[Future]


def wait(futures: Any, timeout: float | None = None) -> DoneAndNotDone:
    """Wait until all futures in a structure are done, well or not.

    Parameters
    ----------
    futures
        Futures, in lists, tuples, dictionaries or dataclasses.
    timeout
        Longest wait in seconds.

    Returns
    -------
    DoneAndNotDone
        Two sets of futures, `done` and `not_done`.
    """
    found = collect(futures, Future)
    for future in found:
        if future._node.no_waiting:
            raise EngineError(future._node.no_waiting)
    concurrent.futures.wait([future._node for future in found], timeout)
    done = {future for future in found if future.done()}
    return DoneAndNotDone(done, set(found) - done)


def gather(futures: Any, *, timeout: float | None = None, on_failure: Literal["raise", "return"] = "raise") -> Any:
    """The values of all futures in a structure, in its shape.

    Parameters
    ----------
    futures
        Futures, in lists, tuples, dictionaries or dataclasses, mixed with plain values.
    timeout
        Longest wait in seconds, in all.
    on_failure
        ``"return"`` leaves a `Failure` in each place that has no value.

    Raises
    ------
    FlowFailure
        Some failed, and `on_failure` is ``"raise"``.
    TimeoutError
        They are not all done in time.
    """
    deadline = None if timeout is None else time.monotonic() + timeout

    def value(future: Future) -> Any:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        return future.result(left, raise_on_failure=False)

    values = substitute(futures, Future, value)
    failures = collect(values, Failure)
    if failures and on_failure == "raise":
        raise FlowFailure("gather", failures, values)
    return values


def value_of(future: Future) -> Any:
    """Return the value of a future that is done, or a `Failure`.

    Parameters
    ----------
    future
        Future of a job or flow that has ended.
    """
    return follow(future._node.result(), future._path)
