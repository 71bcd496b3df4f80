"""A handle on a result that is not there yet."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, NoReturn

from adatom.errors import EngineError
from adatom.execution.arguments import follow
from adatom.execution.failure import Failure
from adatom.execution.light_future import LightFuture
from adatom.utils.names import new_id
from adatom.utils.nested import collect
from adatom.workflow.turns import in_turn, take_turns

__all__ = ["Future", "Node", "outcomes", "value_of"]

_FINISHED = concurrent.futures._base.FINISHED


class Node(LightFuture[Any]):
    """One job, flow or subflow that was called. Its result is a value or a `Failure`, never an exception.

    Parameters
    ----------
    name
        Name to show to the user.
    recipe
        Module and name of a job's function; empty for a flow.
    """

    _done_callbacks: list[Callable[[Any], Any]]

    def __init__(self, name: str, recipe: str = "") -> None:
        super().__init__()
        self.name = name
        self.recipe = recipe
        self.directory: str | None = None
        self.id = new_id()
        self.is_flow = not recipe
        self.handled = False  # the user looked at the failure, so the flow need not raise it
        self.seen = False  # the user looked at the outcome, if only to see it raised
        self.tolerated: list[Failure] = []  # inputs of this job; if it succeeds, the flow need not raise them
        self.on_error: Callable[[Exception], None] | None = None  # is given the exceptions of callbacks
        self.on_end: Callable[[], None] | None = None  # is called after all callbacks
        self.handle: Any = None  # of the node in the graph of an engine that traces
        # On an engine that traces:
        self.no_waiting = ""  # the reason for which nobody can wait here
        self.in_place: Any = None  # the value of the body of a flow, with futures in it
        self.hidden: list[Failure] = []  # of jobs in a subflow, which the value of the subflow does not show

    def settle(self, outcome: Any) -> None:
        """Set the result, unless the flow was interrupted meanwhile.

        Parameters
        ----------
        outcome
            Value of the job or flow, or a `Failure`.
        """
        try:
            self.set_result(outcome)
        except concurrent.futures.InvalidStateError:
            pass

    def failures_in(self, value: Any) -> list[Failure]:
        """Return the failures in a value: that of a job is a `Failure` or holds none, and may be large.

        Parameters
        ----------
        value
            Value of the job or flow, or a part of it.
        """
        return collect(value, Failure) if self.is_flow else [value] if isinstance(value, Failure) else []

    # Each node is asked several times: without the locks of the base class that takes 3 µs less for each. A node is
    # never cancelled, and its result is set before its state.

    def done(self) -> bool:
        """Return whether the job or flow has ended, with a value or a `Failure`."""
        return self._state == _FINISHED

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the outcome and return it.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None: no limit.
        """
        if self._state != _FINISHED:
            take_turns(self.done)
        return self._result if self._state == _FINISHED else super().result(timeout)

    def add_done_callback(self, function: Callable[[Any], Any]) -> None:
        """Call a function with this node when it is settled.

        Parameters
        ----------
        function
            Function of the node, called at once if the node is settled.
        """
        with self._condition:
            if self._state != _FINISHED:
                self._done_callbacks.append(function)
                return
        self._call_back(function)

    def _invoke_callbacks(self) -> None:
        callbacks, self._done_callbacks = self._done_callbacks, []  # which may hold the arguments of other jobs
        for callback in callbacks:
            in_turn(partial(self._call_back, callback))
        if self.on_end:
            in_turn(self.on_end)

    def _call_back(self, callback: Callable[[Any], Any]) -> None:
        try:
            callback(self)
        except Exception as error:
            if self.on_error is None:
                raise
            self.on_error(error)

    def cancel(self) -> bool:
        """Refuse: code that stops waiting, such as ``asyncio.wait_for``, does not stop the job."""
        return False


def outcomes(nodes: Iterable[Node]) -> list[tuple[Node, Any]]:
    """Return the nodes that have ended, each with its value or `Failure`.

    Parameters
    ----------
    nodes
        Nodes of a flow.
    """
    return [(node, node._result) for node in nodes if node._state == _FINISHED]


class Future:
    """Handle on the result of a job or flow, which a call returns inside a flow.

    ``future["key"]``, ``future[0]`` and ``future.attribute`` are futures too, of a part of the same result; making one
    costs nothing and starts nothing. Pass a future to another job, put it in lists, dictionaries and dataclasses,
    return it from a flow, or wait for it with `result` or ``await``.
    """

    __slots__ = ("__weakref__", "_node", "_path")

    def __init__(self, node: Node, path: tuple[tuple[str, Any], ...] = ()) -> None:
        self._node = node
        self._path = path

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Wait for the value and return it.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None: no limit.
        raise_on_failure
            Whether to raise if there is no value. False: the `Failure` is returned, and the flow does not raise for
            this job again.

        Raises
        ------
        JobFailure
            The job failed or was skipped.
        TimeoutError
            The job is not done in time, and goes on.
        EngineError
            The engine builds its graph before it runs, so nothing can be waited for in the body of a flow.
        """
        if self._node.no_waiting:
            raise EngineError(self._node.no_waiting)
        try:
            value = self._node.result(timeout)
        except concurrent.futures.TimeoutError:
            raise TimeoutError(f"{self._node.name} is not done after {timeout} s.") from None
        self._node.seen = True
        if not raise_on_failure:
            self._node.handled = True
        value = follow(value, self._path)
        if raise_on_failure:
            for failure in self._node.failures_in(value):
                raise failure.exception()
        return value

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the job or flow has ended, with a value or a `Failure`.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None: no limit.
        """
        if self._node.no_waiting:
            raise EngineError(self._node.no_waiting)
        take_turns(self.done)
        concurrent.futures.wait([self._node], timeout)

    def done(self) -> bool:
        """Return whether the job or flow has ended, with a value or a `Failure`."""
        return self._node.done()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, and return the exception that `result` would raise; None if there is a value.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None: no limit.
        """
        failures = self._node.failures_in(self.result(timeout, raise_on_failure=False))
        return failures[0].exception() if failures else None

    def add_done_callback(self, function: Callable[[Future], Any]) -> None:
        """Call a function with this future when it is done.

        Parameters
        ----------
        function
            Function of the future, called in any thread or, if the future is done, at once in this one.
        """
        self._node.add_done_callback(lambda _: function(self))

    def __getitem__(self, key: Any) -> Any:
        return type(self)(self._node, (*self._path, ("item", key)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # so that copy, pickle and numpy do not mistake a future for a value
            raise AttributeError(name)
        return type(self)(self._node, (*self._path, ("attribute", name)))

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        if self._node.no_waiting:
            raise EngineError(self._node.no_waiting)
        yield from asyncio.wrap_future(self._node).__await__()
        return self.result()

    __hash__ = object.__hash__  # futures stand in sets, such as those of `wait`

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Future):
            raise self._no_value("compared")
        return self is other

    def _no_value(self, verb: str) -> TypeError:
        return TypeError(
            f"{self!r} has no value yet and cannot be {verb}. Pass it to a @subflow, whose body sees the value, "
            "or wait for it with .result()."
        )

    def __copy__(self) -> Future:
        return self

    def __deepcopy__(self, memo: Any) -> Future:
        return self

    def __reduce__(self) -> NoReturn:
        raise self._no_value("sent to a worker where adatom does not look for it")

    def __repr__(self) -> str:
        path = "".join(f"[{key!r}]" if how == "item" else f".{key}" for how, key in self._path)
        return f"<Future {self._node.name}{path}>"


# What Python and users ask of values, by the words in which a future refuses it. `**future` asks for its keys.
_REFUSED = {
    "iterated over": ["__iter__", "__contains__"],
    "measured": ["__len__"],
    "tested for truth": ["__bool__"],
    "compared": ["__lt__", "__le__", "__gt__", "__ge__"],
    "formatted": ["__format__"],
    "asked for its keys": ["get", "keys"],
    "made a number": [
        f"__{name}__" for name in ("int", "float", "complex", "index", "round", "trunc", "floor", "ceil")
    ],
    "computed with": [
        f"__{side}{name}__"
        for name in ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow", "and", "or", "xor")
        for side in ("", "r")
    ]
    + ["__neg__", "__pos__", "__abs__", "__invert__"],
}


def _refusal(verb: str) -> Callable[..., NoReturn]:
    def refuse(self: Future, *_: Any) -> NoReturn:
        raise self._no_value(verb)

    return refuse


for _verb, _names in _REFUSED.items():
    for _name in _names:
        setattr(Future, _name, _refusal(_verb))


def value_of(future: Future) -> Any:
    """Return the value of a future that is done, or a `Failure`.

    Parameters
    ----------
    future
        Future of a job or flow that has ended.
    """
    return follow(future._node.result(), future._path)
