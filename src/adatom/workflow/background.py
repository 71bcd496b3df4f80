"""Futures of functions that run outside of any graph."""

from __future__ import annotations

import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any

from adatom.errors import JobFailure
from adatom.execution.failure import Failure
from adatom.execution.registry import get_engine
from adatom.workflow.future import Future, Node

__all__ = ["finished_future", "in_background", "is_awaited"]


def in_background(name: str, function: Callable[[], Any], runner: Any = None) -> Future:
    """Call a function in a thread of its own, and return a future of its value.

    Parameters
    ----------
    name
        Name of the future.
    function
        Function without parameters, whose value the future gives.
    runner
        Runner of the flow that the function runs. At exit, its engine waits for the function.
    """
    node, engine = Node(name), get_engine(runner)

    def run() -> None:
        try:
            node.settle(function())
        except BaseException as error:
            node.settle(error.failure if isinstance(error, JobFailure) else Failure.of(error, name, None))

    engine.stand(node)
    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    return (engine.future_type or Future)(node)


def finished_future(name: str, function: Callable[[], Any]) -> Future:
    """Call a function now, and return a future that is done.

    Parameters
    ----------
    name
        Name of the future.
    function
        Function without parameters, whose value the future gives.
    """
    node = Node(name)
    try:
        node.settle(function())
    except Exception as error:
        node.settle(Failure.of(error, name, None))
    return Future(node)


def is_awaited(function: Callable[..., Any]) -> bool:
    """Return whether asynchronous code calls an asynchronous function, and so wants something to await.

    Parameters
    ----------
    function
        Function of a job or flow.
    """
    if not inspect.iscoroutinefunction(function):
        return False
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
