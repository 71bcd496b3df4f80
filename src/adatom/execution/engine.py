"""What an engine is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future as ConcurrentFuture
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from adatom.errors import EngineError
from adatom.execution.call import Batch, Call

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["Capabilities", "Engine"]


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
    failed_inputs
        A job that asks for them is given the failures of those it needs. An engine that runs whole graphs skips it.
    worthwhile
        Seconds of work that are worth a task of their own: what is shorter travels with others, where it can. Long
        against what a task costs, short against a user's patience.
    resources
        Which resources of a job it honours; others are warned about. Ranks and threads are honoured where an MPI
        program starts: `adatom.execution.mpi.mpi_command`.
    """

    concurrent: bool = True
    processes: bool = True
    waits_in_flow: bool = True
    many_jobs: bool = True
    runner: bool = True
    failed_inputs: bool = True
    worthwhile: float = 0.2
    resources: frozenset[str] = frozenset({"nodes", "ranks_per_node", "threads_per_rank"})


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
        What its jobs give inside a flow; None for `Future`.
    graph_type
        Class of a flow while it runs, with the interface of `adatom.workflow.graph.Graph`; None for that class.
    standing
        Jobs that were submitted outside of any flow.
    item_costs
        Seconds that an item of a map took, by function.
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    runner_type: ClassVar[str] = "none"
    capabilities: Capabilities = Capabilities()
    future_type: ClassVar[type[Any] | None] = None
    graph_type: ClassVar[type[Any] | None] = None

    def __init__(self, runner: Any = None) -> None:
        self.runner = runner
        self.standing: WeakSet[ConcurrentFuture[Any]] = WeakSet()
        self.item_costs: dict[tuple[str, str], float] = {}

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
            Gives what ``pack(work)`` gave, or an `Outcome` of a call that ran in this process, or raises
            `WorkerDiedError`.
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

    def show_stored(self, name: str) -> None:
        """Show a job whose result is stored as done, where the engine shows jobs at all; nothing is run.

        Parameters
        ----------
        name
            The job.
        """

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

    def native_flow(self, flow: Any) -> Any:
        """The engine's own object for a flow, for those who deploy it with the engine's own means.

        Parameters
        ----------
        flow
            The flow; `run_in_place` runs it.
        """
        return flow.fn

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

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> Any:
        """A runner in batch jobs.

        Parameters
        ----------
        request
            How many, and what each is.
        """
        raise EngineError(f"The {cls.name} engine has no workers in batch jobs.")
