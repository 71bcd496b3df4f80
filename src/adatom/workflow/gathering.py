"""Waiting for many futures, in containers."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from adatom.errors import EngineError, FlowFailure, InputError
from adatom.execution.failure import Failure
from adatom.utils.nested import collect, find_holder, substitute
from adatom.workflow.future import Future
from adatom.workflow.turns import take_turns

__all__ = ["DoneAndNotDone", "gather", "refuse_hidden", "wait"]


class DoneAndNotDone(NamedTuple):
    """Futures that are done and futures that are not, as `wait` returns them."""

    done: set[Future]
    not_done: set[Future]


def wait(futures: Any, timeout: float | None = None) -> DoneAndNotDone:
    """Wait until all futures in nested containers are done, with a value or a `Failure`.

    Parameters
    ----------
    futures
        Futures, in lists, tuples, dictionaries or dataclasses.
    timeout
        Longest wait in seconds; None: no limit.

    Returns
    -------
    DoneAndNotDone
        Two sets of futures, `done` and `not_done`.
    """
    found = _futures_in(_listed(futures), "wait")
    for future in found:
        if future._node.no_waiting:
            raise EngineError(future._node.no_waiting)
    nodes = [future._node for future in found]
    take_turns(lambda: all(node.done() for node in nodes))
    concurrent.futures.wait(nodes, timeout)
    done = {future for future in found if future.done()}
    return DoneAndNotDone(done, set(found) - done)


def gather(futures: Any, *, timeout: float | None = None, on_failure: Literal["raise", "return"] = "raise") -> Any:
    """Return nested containers with the values of all futures in place of the futures.

    Parameters
    ----------
    futures
        Futures, in lists, tuples, dictionaries or dataclasses, mixed with plain values.
    timeout
        Longest wait for all futures together, in seconds; None: no limit.
    on_failure
        ``"raise"`` an error if a job failed, or ``"return"`` a `Failure` in each place that has no value.

    Raises
    ------
    FlowFailure
        Some jobs failed, and `on_failure` is ``"raise"``.
    TimeoutError
        Some futures are not done in time.
    """
    deadline = None if timeout is None else time.monotonic() + timeout

    def value(future: Future) -> Any:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        return future.result(left, raise_on_failure=False)

    futures = _listed(futures)
    _futures_in(futures, "gather")
    values = substitute(futures, Future, value)
    failures = collect(values, Failure)
    if failures and on_failure == "raise":
        raise FlowFailure("gather", failures, values)
    return values


def refuse_hidden(value: Any, where: str) -> None:
    """Raise an error if futures are where nobody looks for them.

    Parameters
    ----------
    value
        Value of a flow, or argument of a function, with futures in containers.
    where
        Words on the value for the message.

    Raises
    ------
    InputError
        An object that is no container holds a future.
    """
    holder = find_holder(value, Future)
    if holder is not None:
        raise InputError(
            f"A future is inside a {type(holder).__name__}, {where}, and adatom does not look for it there. "
            "Put futures in lists, tuples, values of dictionaries, dataclasses or arrays of objects."
        )


def _futures_in(value: Any, function: str) -> list[Future]:
    refuse_hidden(value, f"which {function} is given")
    return collect(value, Future)


def _listed(futures: Any) -> Any:
    """Return the list of what a generator or another iterator gives, and any other object as it is."""
    return list(futures) if isinstance(futures, Iterator) else futures
