"""A flow while it runs: which jobs wait for which, what failed, and when all is done."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.cache import MISS
from adatom.errors import FlowFailure, InputError, JobFailure
from adatom.execution.caching import Caching, FlowCaching, caching_of, flow_caching
from adatom.execution.call import Call, follow, header, pack_arguments, pack_function
from adatom.execution.directories import mark_interrupted
from adatom.execution.dispatch import dispatch, interrupted
from adatom.execution.engine import Engine
from adatom.execution.failure import Failure
from adatom.execution.observer import current_observer
from adatom.execution.registry import drop_engine, get_engine
from adatom.execution.signals import second_ends_at_once, stops_in_order
from adatom.execution.worker import settled
from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name
from adatom.utils.nested import collect, substitute
from adatom.workflow.future import Future, Node
from adatom.workflow.options import FlowOptions, JobOptions, label
from adatom.workflow.runlog import RunLog

if TYPE_CHECKING:
    from adatom.workflow.flow import Flow
    from adatom.workflow.job import Job
    from adatom.workflow.step import Step

__all__ = ["Scope", "current_scope", "in_background"]

_current: ContextVar[Scope | None] = ContextVar("adatom_scope", default=None)


def current_scope() -> Scope | None:
    """The flow whose body this code stands in, if any."""
    return _current.get()


class Scope:
    """A flow, or a subflow of it, while it runs.

    Parameters
    ----------
    engine
        Who runs its jobs.
    name
        What to call it.
    directory
        Where its jobs' directories go.
    parent
        The flow that called this one.
    options
        Of the flow.
    log
        Where is written down what becomes of it.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        directory: Path,
        parent: Scope | None = None,
        options: FlowOptions | None = None,
        log: RunLog | None = None,
    ) -> None:
        self.engine = engine
        self.name = name
        self.directory = directory
        self.options = options or FlowOptions()
        self.parent = parent
        self.root: Scope = parent.root if parent else self
        self.log: RunLog = parent.log if parent else log or RunLog({})
        self.nodes: list[Node] = []  # on the root: of all flows in it
        self.cancelled = False  # on the root
        self._observer = current_observer()
        self._functions: dict[Step[Any, Any], bytes] = {}
        self._around: FlowCaching | None = None
        self._left = 0
        self._change = threading.Condition()
        self._then: Callable[[], None] | None = None

    @classmethod
    def of_flow(cls, name: str, options: FlowOptions | None = None) -> Scope:
        """The scope of a flow that is called outside of any other.

        Parameters
        ----------
        name
            The flow.
        options
            Its options.
        """
        options = options or FlowOptions()
        engine = get_engine(options.runner)
        directory = get_settings().results_dir / unique_name("FLOW", name, stamp())
        log = RunLog.of_flow(directory.name, name, options.label)
        return (engine.scope_type or cls)(engine, name, directory, options=options, log=log)

    @classmethod
    def of_job(cls, name: str, label: str | None = None) -> Scope:
        """The scope of a job that is called outside of any flow.

        Parameters
        ----------
        name
            The job.
        label
            What the journal calls the run.
        """
        engine = get_engine()
        log = RunLog({"label": label} if label else {})
        return (engine.scope_type or cls)(engine, name, get_settings().results_dir, log=log)

    # Jobs

    def add(self, job: Job[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        """Run a job as soon as its arguments have values.

        Parameters
        ----------
        job
            The job.
        args, kwargs
            With what to call it; futures may stand anywhere in them.
        """
        job.options.check(job.name, self.engine)
        node = self.node(job.name, recipe=job.recipe)
        self._when_ready(node, (args, kwargs), lambda ready: self._launch(node, job, *ready), job.options.failed_inputs)
        return (self.engine.future_type or Future)(node)

    def call(
        self,
        node: Node,
        step: Step[Any, Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: JobOptions,
        kind: str = "JOB",
        caching: Caching | None = None,
    ) -> Call:
        """A call ready to travel; its node gets its full name and directory.

        Parameters
        ----------
        node
            Gets the call's outcome.
        step, args, kwargs
            What to call, and with what.
        options
            How to run it.
        kind
            The first word of its directory's name.
        caching
            How its result is stored.
        """
        step_name, about = node.name, _name_fully(node, args, kwargs)
        directory = f"{self.directory}{os.sep}{unique_name(kind, step_name, about, identity=node.id)}"
        node.directory = directory
        if step not in self._functions:
            self._functions[step] = pack_function(node.name, step)
        call = Call(
            node.name,
            directory,
            header(),
            self._functions[step],
            pack_arguments(node.name, step, args, kwargs),
            self.engine.name,
            options.retries,
            options.retry_delay,
            options.timeout,
            id=node.id,
            journal=self.log.directory,
            noted=not self.engine.capabilities.concurrent,
            caching=caching and caching.travelling(),
            resources=options.needs,
            run=self.log.about if node.is_flow else {},
        )
        return call if node.is_flow else self.log.called(node, call, self.is_whole(args, kwargs))

    def is_whole(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the arguments of a call are all there.

        Parameters
        ----------
        args, kwargs
            The arguments.
        """
        return True

    def node(self, name: str, recipe: str = "") -> Node:
        """Something more that must end before this flow does.

        Parameters
        ----------
        name
            The job, flow or subflow.
        recipe
            Of a job, where its function is.
        """
        node = Node(name)
        node.recipe, node.is_flow = recipe, not recipe
        self.root.nodes.append(node)
        with self._change:
            self._left += 1
        node.add_done_callback(self._ended)
        self.tell(node, "added")
        return node

    def _when_ready(self, node: Node, arguments: Any, then: Callable[[Any], None], failed_inputs: str = "skip") -> None:
        """Call `then` with the arguments' values once they are there, unless one failed and `failed_inputs` forbids."""
        try:
            futures = collect(arguments, Future)
        except RecursionError as error:
            node.handled = True
            node.settle(Failure.of(error, node.name, None))
            raise InputError(f"An argument of {node.name} contains itself, or is nested too deep.") from None
        waiting = {future._node for future in futures if not future._node.done()}

        def ready() -> None:
            try:
                values = substitute(arguments, Future, _value) if futures else arguments
                failures = collect(values, Failure) if futures else []
                if failures and failed_inputs == "skip":
                    node.settle(failures[0].skip(node.name))
                elif self.root.cancelled:
                    node.settle(interrupted(node.name))
                else:
                    if failed_inputs == "tolerate":
                        node.tolerated = failures
                    then(values)
            except Exception as error:  # a path that is not there, an argument that cannot travel
                node.settle(Failure.of(error, node.name, node.directory))

        if not waiting:
            if futures:
                ready()
            else:
                try:
                    then(arguments)
                except BaseException as error:  # at the caller's line, where a debugger can see it
                    node.handled = True
                    node.settle(Failure.of(error, node.name, node.directory))
                    raise
            return
        if not node.is_flow:
            self.log.note(node, "pending", self.engine.name)
        lock, left, context = threading.Lock(), [len(waiting)], contextvars.copy_context()

        def one_done(_: Any) -> None:
            with lock:
                left[0] -= 1
                last = left[0] == 0
            if last:
                context.copy().run(ready)

        for needed in waiting:
            needed.add_done_callback(one_done)

    def _launch(self, node: Node, job: Job[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call = self.prepare(node, job, args, kwargs)
        if call:
            self.tell(node, "started")
            dispatch(self, node, call, job.options.engine_options)

    def prepare(self, node: Node, job: Job[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        """A call of a job ready to travel; None if its result is stored, which is then that of the node.

        Parameters
        ----------
        node
            Gets the call's outcome.
        job, args, kwargs
            What to call, and with what.
        """
        caching = self.caching(job)
        if job.options.failed_inputs != "skip" and collect((args, kwargs), Failure):
            caching = None  # another time they may succeed
        if caching:
            caching = caching.of_call(node.name, job, args, kwargs)
        if caching:
            stored = caching.find(job, args, kwargs)
            if stored is not MISS:
                _name_fully(node, args, kwargs)
                self.log.note(node, "cached", self.engine.name, key=caching.key.digest if caching.key else "")
                self.tell(node, "cached")
                self.engine.show_stored(node.name)
                node.settle(stored)
                return None
        return self.call(node, job, args, kwargs, job.options, caching=caching)

    def caching(self, job: Job[Any, Any]) -> Caching | None:
        """How the calls of a job in this flow are cached; None if they are not.

        Parameters
        ----------
        job
            The job.
        """
        if self._around is None:
            self._around = flow_caching(self.flows())
        return caching_of(job.options, self._around)

    def flows(self) -> list[FlowOptions]:
        """The options of this flow and of those around it, the innermost first."""
        return [self.options, *(self.parent.flows() if self.parent else [])]

    # Flows in this flow

    def inner(self, flow: Flow[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        """Run a flow inside this one.

        Parameters
        ----------
        flow
            The flow. If its body wants values for futures it runs when they are there, else at once.
        args, kwargs
            With what to call it.
        """
        runner = flow.options.runner
        engine = self.engine if runner is None else get_engine(runner)
        node = self.node(flow.name)
        directory = self.directory / unique_name("SUBFLOW" if flow.waits else "FLOW", flow.name)
        scope = type(self)(engine, flow.name, directory, self, flow.options)

        def expand(ready: Any) -> None:
            if engine.capabilities.concurrent and engine.capabilities.waits_in_flow:
                # A thread of its own, so that two bodies overlap and one that waits holds up no other.
                run = contextvars.copy_context().run
                threading.Thread(target=run, args=(scope._expand, node, flow._fn, *ready), daemon=True).start()
            else:
                scope._expand(node, flow._fn, *ready)

        if flow.waits:
            self._when_ready(node, (args, kwargs), expand)
        else:
            scope._expand(node, flow._fn, args, kwargs)
        return (engine.future_type or Future)(node)

    def _expand(self, node: Node, body: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            value = self.run_body(body, args, kwargs)
        except Exception as error:
            value = error.failure if isinstance(error, JobFailure) else Failure.of(error, self.name, None)
        node.in_place = value

        def end() -> None:
            try:
                node.settle(substitute(value, Future, _value))
            except Exception as error:  # a path that is not there
                node.settle(Failure.of(error, self.name, None))

        self._on_end(end)

    def run_body(self, body: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the body of this flow. Jobs that it calls give futures and belong to this scope.

        Parameters
        ----------
        body, args, kwargs
            The function, and with what to call it.
        """
        with self.entered():
            return settled(body(*args, **kwargs))

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Make this the flow that code in the block stands in."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    # The end

    def run(self, body: Callable[[], Any]) -> Any:
        """Run a body to its end and give what it gave: the outermost call of a job or a flow.

        Parameters
        ----------
        body
            Starts the jobs.
        """
        with stops_in_order():
            try:
                value = body()
            except BaseException as error:
                if not isinstance(error, Exception):  # Ctrl-C, SIGTERM, or what an engine makes of it
                    self.interrupt()
                else:
                    self.wait()
                raise
            self.wait()
            return value

    def run_flow(self, body: Callable[[], Any]) -> Any:
        """Run the body of a flow to its end and give its value, with results for futures.

        Parameters
        ----------
        body
            Starts the jobs.

        Raises
        ------
        FlowFailure
            Some jobs failed, and the options do not ask to return failures.
        """
        value: list[Any] = []
        try:
            self.engine.run_flow(
                self.name, lambda: value.append(self._finish(self.run(body))), dict(self.options.engine_options)
            )
        finally:
            self.log.close(self.nodes)
        return value[0]

    def run_in_place(self, body: Callable[[], Any]) -> Any:
        """As `run_flow`, where this code already stands in what the engine calls a flow.

        Parameters
        ----------
        body
            Starts the jobs.
        """
        try:
            return self._finish(self.run(body))
        finally:
            self.log.close(self.nodes)

    def _finish(self, value: Any) -> Any:
        failures = self.failures()
        if failures and self.options.on_failure == "raise":
            try:
                value = substitute(value, Future, _value)
            except Exception:  # a path that is not there, on top of what failed
                value = None
            raise FlowFailure(self.name, failures, value)
        return substitute(value, Future, _value)

    def _ended(self, node: Any) -> None:
        result = node.result()
        state = "done"
        if isinstance(result, Failure):
            state = "skipped" if result.skipped_because else "failed"
            if not node.is_flow:
                self.log.note(node, state, self.engine.name, cause=result.in_short)
        self.tell(node, state)
        with self._change:
            self._left -= 1
            then = self._then if not self._left else None
            self._change.notify_all()
        if then:
            then()

    def _on_end(self, then: Callable[[], None]) -> None:
        """Call a function when all that was started in this scope has ended."""
        with self._change:
            self._then = then
            left = self._left
        if not left:
            then()

    def wait(self) -> None:
        """Wait until all that was started in this scope has ended."""
        try:
            with self._change:
                while self._left:
                    self._change.wait()
        except BaseException:  # only from outside, as a signal's handler raises it
            self.interrupt()
            raise

    def interrupt(self) -> None:
        """End the jobs that run, mark their directories, start no others: the user pressed Ctrl-C."""
        self.root.cancelled = True
        cut = [node for node in self.root.nodes if not node.done()]
        try:
            with second_ends_at_once():
                drop_engine(self.engine, at_once=True)
        finally:
            for node in cut:  # also those that the engine's end has settled by now
                if node.directory and (not node.done() or isinstance(node.result(), Failure)):
                    mark_interrupted(Path(node.directory), "interrupted")
                if not node.done():
                    node.settle(interrupted(node.name, node.directory))

    def failures(self) -> list[Failure]:
        """What failed, and then what was skipped, each once; but for what the body looked at itself."""
        ended = [(node, node.result()) for node in self.root.nodes if node.done()]
        seen = {id(failure) for node, value in ended if node.handled for failure in collect(value, Failure)}
        for node, value in ended:
            if node.tolerated and not isinstance(value, Failure):
                seen |= {id(cause) for failure in node.tolerated for cause in (failure, failure.origin)}
        found = []
        for node, value in ended:
            own = [value] if isinstance(value, Failure) else collect(value, Failure) if node.is_flow else []
            for failure in [*own, *node.hidden]:
                if not node.handled and id(failure) not in seen:
                    seen.add(id(failure))
                    found.append(failure)
        return sorted(found, key=lambda failure: failure.skipped_because is not None)

    def tell(self, node: Node, event: str, count: int = 1) -> None:
        """Tell the observer what happened.

        Parameters
        ----------
        node
            To which job.
        event
            ``"added"``, ``"started"``, ``"cached"`` (and then done), ``"done"``, ``"failed"`` or ``"skipped"``. Of a
            flow only failure is told.
        count
            To how many jobs.
        """
        if self._observer and (not node.is_flow or event == "failed"):
            self._observer(node.name, event, count)


def _name_fully(node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Give a job the name that engines show, with what is said of its first argument, and return that."""
    about = label(args[0] if args else next(iter(kwargs.values()), None))
    if about:
        node.name = f"{node.name} {about}"
    return about


def in_background(name: str, function: Callable[[], Any]) -> Future:
    """Call a function in a thread of its own, and give a future of what it gives.

    Parameters
    ----------
    name
        What to call it.
    function
        The function.
    """
    node = Node(name)

    def run() -> None:
        try:
            node.settle(function())
        except BaseException as error:
            node.settle(error.failure if isinstance(error, JobFailure) else Failure.of(error, name, None))

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    return (get_engine().future_type or Future)(node)


def _value(future: Future) -> Any:
    return follow(future._node.result(), future._path)
