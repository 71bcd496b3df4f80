"""The interface of an engine."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future as ConcurrentFuture
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.errors import EngineError
from adatom.execution.call import Batch, Call
from adatom.execution.failure import Failure

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["Capabilities", "Engine"]


@dataclass(frozen=True)
class Capabilities:
    """Abilities of an engine. The core asks for these and never for an engine's name.

    Attributes
    ----------
    concurrent
        Whether independent jobs overlap in time.
    processes
        Whether jobs run in processes of their own, so that a killed one is reported and costs no other job.
    waits_in_flow
        Whether ``.result()`` works in the body of a flow. An engine that builds its graph before it runs cannot wait
        there.
    many_jobs
        Whether the engine is made for a thousand jobs in one flow.
    runner
        Whether a flow can be given a runner.
    failed_inputs
        Whether a job that asks for them is given the failures of the jobs that it needs. An engine that runs whole
        graphs skips such a job.
    outlives_driver
        Whether jobs go on when the process that called them has ended, and are found by the next one.
    shares_files
        Whether workers see the files of the process that calls jobs.
    sizes_runner
        Whether the number of workers follows the time that the jobs are expected to take.
    worthwhile
        Seconds of work that are worth a task of their own: shorter calls of one job travel together where they can.
        The time is long against the cost of a task, and short against a user's patience.
    resources
        Names of the resources of a job that the engine honours; for others there is a warning. Ranks and threads are
        honoured where an MPI program starts: `adatom.execution.mpi.mpi_command`.
    """

    concurrent: bool = True
    processes: bool = True
    waits_in_flow: bool = True
    many_jobs: bool = True
    runner: bool = True
    failed_inputs: bool = True
    outlives_driver: bool = False
    shares_files: bool = True
    sizes_runner: bool = False
    worthwhile: float = 0.2
    resources: frozenset[str] = frozenset({"nodes", "ranks_per_node", "threads_per_rank"})


class Engine(ABC):
    """Program that runs jobs.

    Parameters
    ----------
    runner
        Runner for the jobs: an object of the engine's own, as ``make_runner`` returns. None: a runner that the user has
        made active, if the engine knows of one; else workers on this machine, which end at exit.

    Attributes
    ----------
    name
        Name of the engine, as in ``ADATOM_WORKFLOW_ENGINE``.
    package
        Package that the engine needs; the extra of adatom that installs it is called `name`. None: no package.
    runner_type
        Description of the runners of the engine, for messages and the documentation.
    capabilities
        Abilities of the engine with its runner; on the class, those with the default runner.
    of_settings
        Names of the settings that decide what the engine is without a runner: with other values, it is another one.
    future_type
        Class of the futures that calls of jobs return inside a flow; None for `Future`.
    graph_type
        Class of a flow while it runs, with the interface of `adatom.workflow.graph.Graph`; None for that class.
    standing
        Futures of jobs and flows that were submitted outside of any flow, and have not ended well.
    item_costs
        Seconds that an item of a map or stream took, by the kind of operation (`BatchSize`).
    lost
        Reason for which no work can be done any more, such as the death of a helper process; empty: there is none.
    ended
        Set when the engine ends.
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None
    runner_type: ClassVar[str] = "none"
    capabilities: Capabilities = Capabilities()
    of_settings: ClassVar[tuple[str, ...]] = ("local_workers",)
    future_type: ClassVar[type[Any] | None] = None
    graph_type: ClassVar[type[Any] | None] = None

    def __init__(self, runner: Any = None) -> None:
        self.runner = runner
        self.standing: set[ConcurrentFuture[Any]] = set()
        self.item_costs: dict[tuple[str, str], float] = {}
        self.lost = ""
        self.ended = threading.Event()
        self._sent: set[ConcurrentFuture[Any]] = set()

    @classmethod
    def runs_this(cls) -> bool:
        """Return whether this code is part of a task that a user gave to the engine.

        A job called there runs in place, as in a job: its task has the worker that the job would wait for.
        """
        return False

    def stand(self, future: ConcurrentFuture[Any]) -> None:
        """Take a job or flow that was submitted outside of any flow: it is waited for at exit.

        Parameters
        ----------
        future
            Future whose result is a value or a `Failure`.
        """

        def ended(_: Any) -> None:
            if not isinstance(future.result(), Failure):
                self.standing.discard(future)

        self.standing.add(future)
        future.add_done_callback(ended)

    @property
    @abstractmethod
    def slots(self) -> int:
        """Number of jobs that run at the same time."""

    @abstractmethod
    def submit(self, work: Call | Batch, options: dict[str, Any]) -> ConcurrentFuture[Any]:
        """Start a call or batch, whose arguments all have values.

        Parameters
        ----------
        work
            Call or batch to run: the engine has a worker compute ``pack(work)``.
        options
            Option `engine_options` of the job, for the engine's own decorator or submit function.

        Returns
        -------
        concurrent.futures.Future
            Future of the bytes that ``pack(work)`` returned, or of the `Outcome` of a call that ran in this process. It
            raises `WorkerDiedError` if the worker died.
        """

    def send(self, work: Call | Batch, options: dict[str, Any]) -> ConcurrentFuture[Any]:
        """Submit work, whose future fails when the engine is lost.

        Parameters
        ----------
        work, options
            As in `submit`.
        """
        if not self.has_helpers():
            return self.submit(work, options)
        if not self.lost:
            future = self.submit(work, options)
            self._sent.add(future)
            future.add_done_callback(self._sent.discard)
        if self.lost:  # by now
            future = ConcurrentFuture()
            future.set_exception(EngineError(self.lost))
        return future

    def give_up(self, reason: str) -> None:
        """Fail all work that has no answer, and all that is sent from now on.

        Parameters
        ----------
        reason
            Reason, with the next step for the user.
        """
        self.lost = reason
        for future in list(self._sent):
            with suppress(InvalidStateError):  # the answer came meanwhile
                future.set_exception(EngineError(reason))

    def has_helpers(self) -> bool:
        """Return whether the engine has processes or servers that `look_after` looks after."""
        return type(self).look_after is not Engine.look_after

    def look_after(self) -> str:
        """Look whether the helper processes and servers of the engine live, and replace what can be replaced.

        It is called each second, in a thread.

        Returns
        -------
        str
            Reason for which no work can be done any more; empty: all is well.
        """
        return ""

    def run_flow(self, name: str, body: Callable[[], Any], options: dict[str, Any]) -> Any:
        """Run the body of a flow in this process, inside a flow of the engine's own if the engine has flows.

        Parameters
        ----------
        name
            Name of the flow, as the engine shows it.
        body
            Function that runs the flow to its end and returns its value.
        options
            Option `engine_options` of the flow.
        """
        return body()

    def show_stored(self, name: str) -> None:
        """Show a job whose result is stored as done, if the engine shows jobs at all; nothing is run.

        Parameters
        ----------
        name
            Name of the job, with its label.
        """

    def native(self, function: Callable[..., Any], name: str, options: dict[str, Any]) -> Any:
        """Return the engine's own object for a job, for users who keep their own engine code.

        Parameters
        ----------
        function
            Plain function of the job.
        name
            Name of the job, as the engine is to show it.
        options
            Option `engine_options` of the job.
        """
        return function

    def native_flow(self, flow: Any) -> Any:
        """Return the engine's own object for a flow, for users who deploy it with the engine's own means.

        Parameters
        ----------
        flow
            Flow, which its method `run_in_place` runs.
        """
        return flow.fn

    def interrupt(self) -> None:
        """End the running jobs at once, as the user pressed Ctrl-C."""

    def close(self) -> None:
        """End all that this object started, and nothing else."""

    @classmethod
    def make_runner(cls, workers: int) -> Any:
        """Return a runner on this machine.

        Parameters
        ----------
        workers
            Number of jobs that run at the same time.
        """
        raise EngineError(f"The {cls.name} engine takes no runner.")

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> Any:
        """Return a runner with workers in batch jobs.

        Parameters
        ----------
        request
            Number of batch jobs, and the description of one.
        """
        raise EngineError(f"The {cls.name} engine has no workers in batch jobs.")
