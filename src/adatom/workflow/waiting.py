"""Jobs that wait for the results of others."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from adatom.errors import InputError
from adatom.execution.arguments import Slot
from adatom.execution.failure import Failure
from adatom.utils.nested import collect, copied, substitute
from adatom.workflow.future import Future, Node, value_of

if TYPE_CHECKING:
    from adatom.workflow.graph import Graph

__all__ = ["when_ready"]


def when_ready(
    graph: Graph,
    node: Node,
    arguments: Any,
    then: Callable[[Any, Sequence[Any]], None],
    failed_inputs: str = "skip",
    take: Callable[[Any], Any] = copied,
) -> None:
    """Call a function with arguments once all futures in them have values.

    Parameters
    ----------
    graph
        Flow that the node belongs to.
    node
        Node that is settled here where the function is not called.
    arguments
        Nested containers with futures.
    then
        Function that is given the arguments, with slots in place of futures, and the values for the slots.
    failed_inputs
        The job's option of that name.
    take
        Function that returns the arguments as they are now, for later, if some futures have no values yet.
    """
    try:
        futures = collect(arguments, Future)
    except RecursionError as error:
        node.handled = True
        node.settle(Failure.of(error, node.name, None))
        raise InputError(f"An argument of {node.name} contains itself, or is nested too deep.") from None
    waiting = {future._node for future in futures if not future._node.done()}
    try:  # at the caller's line, where a debugger can see it
        if not futures:
            then(arguments, ())
            return
        places = iter(range(len(futures)))
        given = substitute(arguments, Future, lambda _: Slot(next(places), ()))
        taken = take(given) if waiting else given
    except BaseException as error:
        node.handled = True
        node.settle(Failure.of(error, node.name, node.directory))
        raise
    failed = collect(given, Failure)

    def ready() -> None:
        try:
            values = [value_of(future) for future in futures]
            failures = failed + collect(values, Failure)
            if failures and failed_inputs == "skip":
                node.settle(failures[0].skip(node.name))
            elif graph.root.cancelled:
                node.settle(Failure.interrupted(node.name))
            else:
                if failed_inputs == "tolerate":
                    node.tolerated = failures
                then(taken, values)
        except Exception as error:  # a path that does not exist, an argument that cannot travel
            node.settle(Failure.of(error, node.name, node.directory))

    if not waiting:
        ready()
        return
    if not node.is_flow:
        graph.log.note(node, "pending", graph.engine.name)
    lock, left, context = threading.Lock(), [len(waiting)], contextvars.copy_context()

    def one_done(_: Any) -> None:
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            context.copy().run(ready)

    for needed in waiting:
        needed.add_done_callback(one_done)
