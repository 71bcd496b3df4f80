"""The end of a flow: all jobs waited for, an interruption answered, failures gathered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.errors import FlowFailure
from adatom.execution.directories import mark_interrupted
from adatom.execution.failure import Failure
from adatom.execution.registry import drop_engine
from adatom.execution.signals import second_ends_at_once, stops_in_order
from adatom.execution.timed import end_idle
from adatom.utils.nested import collect, substitute
from adatom.workflow.future import Future, Node, outcomes, value_of

if TYPE_CHECKING:
    from adatom.workflow.graph import Graph

__all__ = ["failures_of", "finish", "interrupt", "run_flow", "run_to_the_end"]


def run_flow(graph: Graph, body: Callable[[], Any], in_place: bool = False) -> Any:
    """Run the body of an outermost flow to its end, and return its value, with results in place of futures.

    Parameters
    ----------
    graph
        Graph of the outermost flow.
    body
        Function that starts the jobs.
    in_place
        Whether this code already runs inside a flow of the engine's own.

    Raises
    ------
    FlowFailure
        Some jobs failed, and the options do not ask to return failures.
    """
    try:
        if in_place:
            return finish(graph, graph.run(body))
        value: list[Any] = []
        options = dict(graph.options.engine_options)
        graph.engine.run_flow(graph.name, lambda: value.append(finish(graph, graph.run(body))), options)
        return value[0]
    finally:
        graph.log.close(graph.nodes)


def run_to_the_end(graph: Graph, body: Callable[[], Any]) -> Any:
    """Run a body, wait for all its jobs, and return its value, with futures in it.

    Parameters
    ----------
    graph
        Graph of the outermost flow.
    body
        Function that starts the jobs.
    """
    with stops_in_order():
        try:
            try:
                value = body()
            except Exception:
                graph.pending.wait()  # jobs that were started before a mistake in the body end, too
                raise
            graph.pending.wait()
            return value
        except BaseException as error:
            # Ctrl-C, SIGTERM, or what an engine makes of it; or jobs wait for a callback that raised
            if not isinstance(error, Exception) or error is graph.pending.error:
                interrupt(graph)
            raise
        finally:
            end_idle()


def finish(graph: Graph, value: Any) -> Any:
    """Return the value of an outermost flow with results in place of futures.

    Parameters
    ----------
    graph
        Graph of the outermost flow.
    value
        Value that its body returned.

    Raises
    ------
    FlowFailure
        Some jobs failed, and the options do not ask to return failures.
    """
    failures = failures_of(graph.root.nodes)
    if not failures or graph.options.on_failure == "return":
        return substitute(value, Future, value_of)
    try:
        value = substitute(value, Future, value_of)
    except Exception:  # a path that does not exist, on top of what failed
        value = None
    raise FlowFailure(graph.name, failures, value)


def interrupt(graph: Graph) -> None:
    """End the jobs that run, mark their directories, and start no others: the user pressed Ctrl-C.

    Parameters
    ----------
    graph
        Graph of the flow that was interrupted.
    """
    graph.root.cancelled = True
    cut = [node for node in graph.root.nodes if not node.done()]
    try:
        with second_ends_at_once():
            drop_engine(graph.engine, at_once=True)
    finally:
        goes_on = graph.engine.capabilities.outlives_driver
        for node in cut:  # also those that the engine's end has settled by now
            if node.directory and not goes_on and (not node.done() or isinstance(node.result(), Failure)):
                mark_interrupted(Path(node.directory), "interrupted")
            node.settle(Failure.interrupted(node.name, node.directory))


def failures_of(nodes: Sequence[Node]) -> list[Failure]:
    """Return each failure once, those of skipped jobs last; without those that a body or a job has looked at.

    Parameters
    ----------
    nodes
        All jobs and flows of an outermost flow.
    """
    ended = outcomes(nodes)
    if not any(isinstance(value, Failure) or node.handle is not None for node, value in ended):
        return []  # a value holds failures of jobs alone, and of subflows that the engine itself runs
    known: set[int] = set()
    for node, value in ended:
        known |= _excused(node, value)
    found: dict[int, Failure] = {}
    for node, value in ended:
        if not node.handled:
            found |= {id(failure): failure for failure in _failures_in(node, value) if id(failure) not in known}
    return sorted(found.values(), key=lambda failure: failure.skipped_because is not None)


def _excused(node: Node, value: Any) -> set[int]:
    """Return the ids of the failures that a body has looked at, or that a job tolerated and succeeded."""
    excused = {id(failure) for failure in collect(value, Failure)} if node.handled else set()
    if node.tolerated and not isinstance(value, Failure):
        excused |= {id(cause) for failure in node.tolerated for cause in (failure, failure.origin)}
    return excused


def _failures_in(node: Node, value: Any) -> list[Failure]:
    """Return the failure of a job, or the failures that a flow returned and those that its value does not show."""
    return [*node.failures_in(value), *node.hidden]
