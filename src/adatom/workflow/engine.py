"""What an engine is, and how the selected one is found."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future as ConcurrentFuture
from concurrent.futures import wait
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, ClassVar
from weakref import WeakSet

from adatom.errors import EngineError, MissingExtraError, UnknownNameError
from adatom.settings import get_settings
from adatom.workflow.future import Future, Node
from adatom.workflow.payload import Batch, Call

__all__ = ["Capabilities", "Engine", "close_engines", "engine_class", "engine_names", "get_engine"]


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do. The core asks for these and never for an engine's name.

    Attributes
    ----------
    concurrent
        Independent jobs overlap in time.
    processes
        Jobs run in processes of their own; a killed one is reported and costs no other job.
    waits_in_flow
        ``.result()`` works in the body of a flow. An engine that builds its graph before it runs cannot wait there.
    many_jobs
        A thousand jobs in one flow are what it is made for.
    runner
        A runner can be given to a flow.
    resources
        Which resources of a job it honours; others are warned about.
    """

    concurrent: bool = True
    processes: bool = True
    waits_in_flow: bool = True
    many_jobs: bool = True
    runner: bool = True
    resources: frozenset[str] = frozenset()


class Engine(ABC):
    """Who runs jobs.

    Parameters
    ----------
    runner
        What to run on: an object of the engine's own, as ``make_runner`` gives. None uses what is there, or starts
        something sensible on this machine and ends it at exit.

    Attributes
    ----------
    name
        As in ``ADATOM_WORKFLOW_ENGINE``.
    package
        The package it needs; the extra of adatom that brings it is called `name`.
    runner_type
        What a runner is, for the documentation.
    capabilities
        What it can do as it stands; on the class, what it can do by default.
    future_type
        What its jobs give inside a flow.
    standing
        Jobs that were submitted outside of any flow.
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    runner_type: ClassVar[str] = "none"
    capabilities: Capabilities = Capabilities()
    future_type: type[Future] = Future

    def __init__(self, runner: Any = None) -> None:
        self.runner = runner
        self.standing: WeakSet[Node] = WeakSet()

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many jobs run at the same time."""

    @abstractmethod
    def submit(self, work: Call | Batch, options: dict[str, Any]) -> ConcurrentFuture[Any]:
        """Start a call, or a batch of them, whose arguments are all there.

        Parameters
        ----------
        work
            What to run: a task is ``pack(work)``.
        options
            The job's `engine_options`, for the engine's own decorator or submit function.

        Returns
        -------
        concurrent.futures.Future
            Gives what ``pack(work)`` gave, or raises `WorkerDiedError`.
        """

    def run_flow(self, name: str, body: Callable[[], Any], options: dict[str, Any]) -> Any:
        """Run the body of a flow in this process, under whatever the engine calls a flow.

        Parameters
        ----------
        name
            The flow.
        body
            Runs the flow to its end and gives its value.
        options
            The flow's `engine_options`.
        """
        return body()

    def native(self, function: Callable[..., Any], name: str, options: dict[str, Any]) -> Any:
        """The engine's own object for a job, for those who keep their own engine code.

        Parameters
        ----------
        function
            The plain function.
        name
            What to call it.
        options
            The job's `engine_options`.
        """
        return function

    def interrupt(self) -> None:
        """End the jobs that run, at once: the user pressed Ctrl-C."""

    def close(self) -> None:
        """End what this object started, and nothing else."""

    @classmethod
    def make_runner(cls, workers: int) -> Any:
        """A runner on this machine.

        Parameters
        ----------
        workers
            How many jobs run at the same time.
        """
        raise EngineError(f"The {cls.name} engine takes no runner.")


class TracingEngine(Engine):
    """An engine that wants a flow's whole graph before it runs any of it.

    Futures in the arguments of a job reach `trace` as handles, and `run_graph` fills in every result at the end.
    """

    def submit(self, work: Call | Batch, options: dict[str, Any]) -> ConcurrentFuture[Any]:
        """Never called: jobs reach this engine through `trace`."""
        raise EngineError(f"The {self.name} engine runs whole graphs only.")

    @abstractmethod
    def run_graph(self, name: str, trace: Callable[[], list[Node]], options: dict[str, Any]) -> None:
        """Build a flow's graph, run it, and set the result of each of its nodes.

        Parameters
        ----------
        name
            The flow, or the job that is called alone.
        trace
            Runs the body, which calls `trace` and `trace_subflow`, and gives the nodes that want results.
        options
            The flow's `engine_options`.
        """

    @abstractmethod
    def trace(self, call: Call, upstream: Sequence[Any], options: dict[str, Any]) -> Any:
        """Add a job to the graph.

        Parameters
        ----------
        call
            The call, with slots for results.
        upstream
            The handles that fill the slots.
        options
            The job's `engine_options`.

        Returns
        -------
        Any
            A handle on its result.
        """

    @abstractmethod
    def trace_subflow(self, call: Call, upstream: Sequence[Any]) -> Any:
        """Add a subflow, a call whose function runs the body and gives its futures, to the graph.

        Parameters
        ----------
        call, upstream
            As in `trace`.
        """


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="adatom.engines")}


def engine_names() -> list[str]:
    """The engines that are known, installed or not."""
    return sorted(_entry_points())


def engine_class(name: str) -> type[Engine]:
    """An engine by name, its package installed or not.

    Parameters
    ----------
    name
        As in ``ADATOM_WORKFLOW_ENGINE``.

    Raises
    ------
    UnknownNameError
        No package registers such an engine.
    """
    points = _entry_points()
    if name not in points:
        raise UnknownNameError("engine", name, points, "Set ADATOM_WORKFLOW_ENGINE.")
    module, _, attribute = points[name].value.partition(":")
    return getattr(import_module(module), attribute)


def is_installed(kind: type[Engine]) -> bool:
    """Whether an engine's package is there.

    Parameters
    ----------
    kind
        The engine.
    """
    return kind.package is None or find_spec(kind.package.split(".")[0]) is not None


def local_workers() -> int:
    """How many worker processes an engine starts on this machine: the setting or, at its default, two to four."""
    return get_settings().local_workers if get_settings().local_workers > 1 else min(4, max(2, os.cpu_count() or 1))


@cache
def announce(message: str) -> None:
    """Say once that something was started that the user did not ask for.

    Parameters
    ----------
    message
        What, and for how long.
    """
    print(message, file=sys.stderr)


_engines: dict[tuple[str, Any], Engine] = {}
_making = threading.RLock()  # two threads at first use get one engine


def get_engine(runner: Any = None) -> Engine:
    """The selected engine, made at first use and kept until the interpreter ends.

    Parameters
    ----------
    runner
        What it is to run on.

    Raises
    ------
    UnknownNameError
        No package registers the selected engine.
    MissingExtraError
        Its package is not installed.
    EngineError
        It cannot be reached or started, or takes no runner.
    """
    settings = get_settings()
    name = settings.workflow_engine
    key = (name, id(runner) if runner is not None else settings.local_workers)
    engine = _engines.get(key)
    if engine is None or engine.runner is not runner:
        with _making:
            engine = _engines.get(key)
            if engine is None or engine.runner is not runner:
                kind = engine_class(name)
                if not is_installed(kind):
                    assert kind.package is not None
                    raise MissingExtraError(kind.package, name)
                engine = _engines[key] = kind(runner)
                # The standard library's hook for pools: by the time of `atexit` no thread pool works any more.
                threading._register_atexit(_end, engine)  # type: ignore[attr-defined]
    return engine


def _end(engine: Engine) -> None:
    """At exit: what was submitted is finished first, as with every pool, unless the user pressed Ctrl-C."""
    interrupted = getattr(sys, "last_type", None) is KeyboardInterrupt
    if not interrupted:
        wait(engine.standing)
    if engine in _engines.values():
        _drop(engine, at_once=interrupted)


def drop_engine(engine: Engine, at_once: bool = False) -> None:
    """End an engine; the next use makes a new one.

    Parameters
    ----------
    engine
        The engine.
    at_once
        End the jobs that run, too.
    """
    for key, known in list(_engines.items()):
        if known is engine:
            del _engines[key]
    if at_once:
        engine.interrupt()
    engine.close()


def close_engines() -> None:
    """End all that engines started in this process."""
    for engine in list(_engines.values()):
        _drop(engine)


def _drop(engine: Engine, at_once: bool = False) -> None:
    try:
        drop_engine(engine, at_once)
    except Exception as error:  # one engine that cannot end must not keep another alive
        warnings.warn(f"The {engine.name} engine did not end in order: {error}", stacklevel=1)
