"""The base of engines that need the whole graph of a flow before they run any of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future as ConcurrentFuture
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.errors import EngineError
from adatom.execution.arguments import Arguments, Slot, follow
from adatom.execution.call import Batch, Call
from adatom.execution.engine import Engine
from adatom.execution.failure import Failure
from adatom.execution.signals import stops_in_order
from adatom.utils.nested import collect, substitute
from adatom.workflow.end import interrupt
from adatom.workflow.future import Future, Node
from adatom.workflow.graph import Graph
from adatom.workflow.options import JobOptions, first_argument, label

if TYPE_CHECKING:
    from adatom.workflow.flow import Flow
    from adatom.workflow.job import Job

__all__ = ["TracingEngine", "TracingGraph", "with_slots"]


class TracingGraph(Graph):
    """A flow whose jobs are added to a graph when they are called, and run after the body of the flow has ended."""

    engine: TracingEngine

    def add(self, job: Job[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        """Add a job to the graph, unless its arguments have values and its result is stored."""
        job.options.check(job.name, self.engine)
        node = self.node(job.name, job.recipe)

        def make(args: Any, kwargs: Any, upstream: list[Any]) -> Call | None:
            arguments, about = Arguments((args, kwargs)), label(first_argument(args, kwargs))
            if not upstream:
                return self.prepare(node, job, arguments, about)
            call = self.calls.make_call(node, job, arguments, about, job.options, caching=self.calls.caching(job))
            return self.log.called(node, call, whole=False)  # results of other jobs are missing

        self._trace(node, args, kwargs, make, partial(self.engine.trace, options=dict(job.options.engine_options)))
        return self.future_type(node)

    def node(self, name: str, recipe: str = "") -> Node:
        """Return a new node, which nobody can wait for in the body."""
        node = super().node(name, recipe)
        node.no_waiting = (
            f"{name} has no result yet: the {self.engine.name} engine builds its graph before it runs. Pass the "
            "future to a job, or look at its value in the body of a @subflow."
        )
        return node

    def inner(self, flow: Flow[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        """Add a subflow whose inputs have no values yet to the graph; run the body of any other flow at once."""
        if not flow.waits or not collect((args, kwargs), Future):
            return super().inner(flow, args, kwargs)
        node = self.node(flow.name)
        own, calls = flow.options, self.calls
        inherited = flow.with_options(
            cache=calls.cache if own.cache is None else own.cache,
            refresh_cache=own.refresh_cache or calls.refresh_cache,
        )

        def make(args: Any, kwargs: Any, upstream: list[Any]) -> Call:
            call = calls.make_call(node, inherited, Arguments((args, kwargs)), "", JobOptions(), "SUBFLOW")
            return replace(call, run=self.log.about)

        self._trace(node, args, kwargs, make, self.engine.trace_subflow)
        return self.future_type(node)

    def _trace(
        self,
        node: Node,
        args: Any,
        kwargs: Any,
        make: Callable[[Any, Any, list[Any]], Call | None],
        trace: Callable[[Call, list[Any]], Any],
    ) -> None:
        """Add a call to the engine's graph, with slots where futures stand."""
        try:
            (args, kwargs), upstream = with_slots((args, kwargs))
            for failure in collect((args, kwargs), Failure):  # of a flow whose body ran in place
                node.settle(failure.skip(node.name))
                return
            call = make(args, kwargs, upstream)
            if call:
                node.add_done_callback(partial(_confirm, call))
                node.handle = trace(call, upstream)
        except BaseException as error:  # at the caller's line; nothing may wait for this node
            node.handled = True
            node.settle(Failure.of(error, node.name, node.directory))
            raise

    def run(self, body: Callable[[], Any]) -> Any:
        """Run a body, and then the graph that it made."""
        value: list[Any] = []

        def trace() -> list[Node]:
            value.append(body())
            return [node for node in self.nodes if not node.done()]

        with stops_in_order():
            try:
                self.engine.run_graph(self.name, trace, dict(self.options.engine_options))
            except BaseException as error:
                if not isinstance(error, Exception):  # Ctrl-C or SIGTERM
                    interrupt(self)
                raise
            finally:
                for node in self.nodes:
                    node.no_waiting = ""
        return value[0]


def _confirm(call: Call, node: Any) -> None:
    if call.caching and not isinstance(node.result(), Failure):
        call.caching.confirm(call.name, node.result())


class TracingEngine(Engine):
    """An engine that needs the whole graph of a flow before it runs any of it.

    Futures in the arguments of a job reach `trace` as handles, and `run_graph` sets every result at the end.
    """

    graph_type: ClassVar[type[Graph]] = TracingGraph

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> ConcurrentFuture[Any]:
        """Refuse the work: jobs reach this engine through `trace`."""
        raise EngineError(f"The {self.name} engine runs whole graphs only.")

    @abstractmethod
    def run_graph(self, name: str, trace: Callable[[], list[Node]], options: dict[str, Any]) -> None:
        """Build a flow's graph, run it, and set the result of each of its nodes.

        Parameters
        ----------
        name
            Name of the flow, or of a job that is called alone.
        trace
            Function that runs the body, which calls `trace` and `trace_subflow`, and returns the nodes that need
            results.
        options
            Option `engine_options` of the flow.
        """

    @abstractmethod
    def trace(self, call: Call, upstream: Sequence[Any], options: dict[str, Any]) -> Any:
        """Add a job to the graph.

        Parameters
        ----------
        call
            Call of the job, with slots for results.
        upstream
            Handles of the results that fill the slots.
        options
            Option `engine_options` of the job.

        Returns
        -------
        Any
            Handle on the result of the job.
        """

    @abstractmethod
    def trace_subflow(self, call: Call, upstream: Sequence[Any]) -> Any:
        """Add a subflow to the graph.

        Parameters
        ----------
        call
            Call of the subflow, whose function runs the body and returns futures.
        upstream
            Handles of the results that fill the slots of the call.
        """


def with_slots(value: Any) -> tuple[Any, list[Any]]:
    """Return nested containers with slots in place of futures, and the handles of the results for the slots.

    Parameters
    ----------
    value
        Nested containers with futures at any depth.
    """
    needed: dict[Node, int] = {}

    def slot(future: Future) -> Any:
        node = future._node
        if node.handle is None:  # a flow whose body ran in place: its value holds the futures of its jobs
            known = node.result() if node.done() else node.in_place
            return substitute(follow(known, future._path), Future, slot)
        return Slot(needed.setdefault(node, len(needed)), future._path)

    return substitute(value, Future, slot), [node.handle for node in needed]
