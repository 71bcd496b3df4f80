"""A flow while it runs: its jobs, and what each of them waits for."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.errors import JobFailure
from adatom.execution.arguments import Arguments, fill, pack_arguments
from adatom.execution.call import Call
from adatom.execution.calls import Calls
from adatom.execution.dispatcher import Dispatcher
from adatom.execution.engine import Engine
from adatom.execution.failure import Failure
from adatom.execution.observer import Observer, current_observer
from adatom.execution.registry import get_engine
from adatom.execution.worker import settled
from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name
from adatom.utils.nested import copied, substitute
from adatom.workflow.building import CallBuilder
from adatom.workflow.end import run_to_the_end
from adatom.workflow.future import Future, Node, value_of
from adatom.workflow.gathering import refuse_hidden
from adatom.workflow.options import FlowOptions, first_argument, label
from adatom.workflow.pending import Pending
from adatom.workflow.runlog import RunLog
from adatom.workflow.turns import in_turn
from adatom.workflow.waiting import when_ready

if TYPE_CHECKING:
    from adatom.workflow.flow import Flow
    from adatom.workflow.job import Job

__all__ = ["Graph", "current_graph"]

_current: ContextVar[Graph | None] = ContextVar("adatom_graph", default=None)

current_graph = _current.get
"""Return the flow whose body this code is part of; None outside of flows."""


class Graph:
    """A flow, or a flow inside another, while it runs.

    Parameters
    ----------
    engine
        Engine that runs the jobs.
    name
        Name of the flow.
    directory
        Directory of the run directories of the jobs.
    parent
        Flow that called this one; None for the outermost.
    options
        Options of the flow; None: the defaults.
    log
        Journal of the run, of the outermost flow alone; None: without any label.

    Attributes
    ----------
    root
        Graph of the outermost flow.
    pending
        Count of the jobs and flows of this flow that have not ended.
    cancelled
        Of the outermost flow: whether it was interrupted.
    calls
        Builder of the calls of this flow's jobs.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        directory: Path,
        parent: Graph | None = None,
        options: FlowOptions | None = None,
        log: RunLog | None = None,
    ) -> None:
        self.engine, self.name, self.directory, self.parent = engine, name, directory, parent
        self.options = options or _NO_OPTIONS
        self.root: Graph = parent.root if parent else self
        self.log: RunLog = parent.log if parent else log or RunLog({})
        self._nodes: dict[Node, None] = {}
        self._failed = False
        self.cancelled = False
        self.pending = Pending()
        cache, refresh = self.options.cache, self.options.refresh_cache
        if parent:
            cache = parent.calls.cache if cache is None else cache
            refresh = refresh or parent.calls.refresh_cache
        results_dir = parent.calls.results_dir if parent else get_settings().results_dir
        self.calls: CallBuilder = CallBuilder(engine, directory, self.log, cache, refresh, results_dir)
        self.future_type: type[Future] = engine.future_type or Future
        self.observer: Observer | None = parent.observer if parent else current_observer()
        self.dispatcher = Dispatcher(engine, lambda: self.root.cancelled)

    @classmethod
    def of_flow(cls, name: str, options: FlowOptions) -> Graph:
        """Return the graph of a flow that is called outside of any other.

        Parameters
        ----------
        name, options
            Name and options of the flow.
        """
        engine = get_engine(options.runner)
        directory = get_settings().results_dir / unique_name("FLOW", name, stamp())
        log = RunLog.of_flow(directory.name, name, options.label)
        return (engine.graph_type or cls)(engine, name, directory, options=options, log=log)

    @classmethod
    def of_job(cls, name: str, label: str | None = None) -> Graph:
        """Return the graph of a job that is called outside of any flow.

        Parameters
        ----------
        name
            Name of the job.
        label
            Label of the run in the journal.
        """
        engine = get_engine()
        log = RunLog({"label": label} if label else {})
        return (engine.graph_type or cls)(engine, name, get_settings().results_dir, log=log)

    # Jobs

    def add(self, job: Job[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        """Run a job as soon as its arguments have values, and return its future.

        Parameters
        ----------
        job
            Job to run as part of this flow.
        args, kwargs
            Arguments, with futures at any depth.
        """
        options = job.options
        if options.resources:
            options.check(job.name, self.engine)
        node = self.node(job.name, job.recipe)
        first = first_argument(args, kwargs)
        about = label(first)  # of the argument as it is now

        def launch(given: Any, values: Sequence[Any]) -> None:
            known = label(value_of(first)) if isinstance(first, Future) else about
            self._launch(node, job, Arguments(given, values), known)

        def take(given: Any) -> bytes:
            return pack_arguments(node.name, job, *given)

        when_ready(self, node, (args, kwargs), launch, options.failed_inputs, take)
        return self.future_type(node)

    def _launch(self, node: Node, job: Job[Any, Any], arguments: Arguments, about: str) -> None:
        call = self.prepare(node, job, arguments, about)
        if call:
            if self.observer:
                self.tell(node, "started")
            task = Calls([(call, node.settle)], self.has_other_workers)
            self.dispatcher.send(task, job.options.engine_options)

    def has_other_workers(self) -> bool:
        """Return whether a call that stopped, as its worker had no more time, can go on in another worker."""
        return self.engine.capabilities.processes and not self.root.cancelled

    def prepare(self, node: Node, job: Job[Any, Any], arguments: Arguments, about: str) -> Call | None:
        """Return a call of a job, ready to travel; None if its result is stored, which the node is then given.

        Parameters
        ----------
        node
            Node that the outcome of the call is for.
        job, arguments
            Job and its arguments.
        about
            Label of the first argument.
        """
        found = self.calls.prepare(node, job, arguments, about)
        if isinstance(found, Call):
            return found
        self.tell(node, "cached")
        self.engine.show_stored(node.name)
        node.settle(found.value)
        return None

    def node(self, name: str, recipe: str = "") -> Node:
        """Return a new node, which must be settled before this flow ends.

        Parameters
        ----------
        name
            Name of the job, flow or subflow.
        recipe
            Module and name of a job's function; empty for a flow.
        """
        node = Node(name, recipe)
        self.root._nodes[node] = None
        self.pending.add()
        node.on_error = self.root.pending.fail
        node.on_end = self.pending.remove  # else the flow might end before a callback of the user has
        node.add_done_callback(self._ended)
        if self.observer:
            self.tell(node, "added")
        return node

    def inner(self, flow: Flow[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        """Run a flow inside this one, and return its future.

        Parameters
        ----------
        flow
            Flow whose body runs at once, or subflow whose body runs when its arguments have values.
        args, kwargs
            Arguments, with futures at any depth.
        """
        runner = flow.options.runner
        engine = self.engine if runner is None else get_engine(runner)
        node = self.node(flow.name)
        # A tree as deep as flows are nested, up to what paths may have: the rest stands beside the first.
        inside = self.directory if len(str(self.directory)) < _LONG_PATH else self.root.directory
        directory = inside / unique_name("SUBFLOW" if flow.waits else "FLOW", flow.name)
        graph = type(self)(engine, flow.name, directory, self, flow.options)

        def expand(given: Any, values: Sequence[Any]) -> None:
            args, kwargs = fill(given, values)
            context = contextvars.copy_context()

            def expanded() -> None:
                context.run(graph.expand, node, flow._fn, args, kwargs)

            if threaded:
                threading.Thread(target=expanded, daemon=True).start()
            elif engine.capabilities.waits_in_flow:
                in_turn(expanded)
            else:
                expanded()

        # A thread of its own, so that two bodies overlap and one that waits holds up no other.
        threaded = engine.capabilities.concurrent and engine.capabilities.waits_in_flow
        if flow.waits:
            refuse_hidden((args, kwargs), f"which {flow.name} is given")
        if not flow.waits:
            graph.expand(node, flow._fn, args, kwargs)
        elif threaded:
            when_ready(self, node, copied((args, kwargs)), expand, take=lambda given: given)
        else:
            when_ready(self, node, (args, kwargs), expand)
        return graph.future_type(node)

    def expand(self, node: Node, body: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run the body of this flow inside another; its node is settled when all its jobs have ended.

        Parameters
        ----------
        node
            Node of this flow in the other one.
        body, args, kwargs
            Function of the flow, and its arguments.
        """
        try:
            value = self.run_body(body, args, kwargs)
        except Exception as error:
            value = error.failure if isinstance(error, JobFailure) else Failure.of(error, self.name, None)
        if not self.engine.capabilities.waits_in_flow:
            node.in_place = value

        def end() -> None:
            try:
                node.settle(substitute(value, Future, value_of))
            except Exception as error:  # a path that does not exist
                node.settle(Failure.of(error, self.name, None))

        self.pending.when_none(end)

    def run_body(self, body: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the body of this flow: the jobs that it calls return futures and belong to this graph.

        Parameters
        ----------
        body, args, kwargs
            Function of the flow, and its arguments.
        """
        with self.entered():
            value = settled(body(*args, **kwargs))
        refuse_hidden(value, f"which {self.name} returns")
        return value

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make this the flow that code in the block is part of."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def run(self, body: Callable[[], Any]) -> Any:
        """Run a body until all its jobs have ended, and return its value, with futures in it.

        Parameters
        ----------
        body
            Function that starts the jobs.
        """
        return run_to_the_end(self, body)

    @property
    def nodes(self) -> list[Node]:
        """Jobs and flows that were called in this outermost flow, in order, without those whose end needs no record."""
        return list(self._nodes)

    def _ended(self, node: Any) -> None:
        result, state = node.result(), "done"
        if isinstance(result, Failure):
            state = "skipped" if result.skipped_because else "failed"
            if not node.is_flow:
                self.log.note(node, state, self.engine.name, cause=result.in_short)
            self.root._failed = True
        elif self.engine.capabilities.waits_in_flow and not node.tolerated and not (node.is_flow and self.root._failed):
            self.root._nodes.pop(node, None)  # its value goes with the last future of it
        if self.observer:
            self.tell(node, state)

    def tell(self, node: Node, event: str, count: int = 1) -> None:
        """Tell the observer of an event.

        Parameters
        ----------
        node
            Node of the job. Of a flow only failure is told.
        event
            ``"added"``, ``"started"``, ``"cached"`` (and then done), ``"done"``, ``"failed"`` or ``"skipped"``.
        count
            Number of jobs that the event is about.
        """
        if self.observer and (not node.is_flow or event == "failed"):
            self.observer(node.name, event, count)


_NO_OPTIONS = FlowOptions()
_LONG_PATH = 2000  # characters; Linux takes 4096, and names of directories and files are below 300
