"""Covalent: a flow is a lattice, a job an electron, a subflow a sublattice, and a server runs them."""

from __future__ import annotations

import copyreg
import os
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from adatom.engines.covalent.electrons import Graph, JobTask, Step, SubflowTask, current_steps, tracing
from adatom.engines.covalent.server import START, Dispatch, address, check, check_python
from adatom.engines.covalent.tracing import TracingEngine
from adatom.errors import EngineError, InputError, UnknownNameError
from adatom.execution.call import Call
from adatom.execution.engine import Capabilities
from adatom.workflow.future import Node
from adatom.workflow.options import UnusedResourceWarning

if TYPE_CHECKING:
    from adatom.machines.request import ClusterRequest

__all__ = ["CovalentEngine"]


class CovalentEngine(TracingEngine):
    """Gives each flow to the Covalent server that runs already, as one lattice.

    The electron of a job runs it in a worker process of the dispatch. The death of that process is the failure of one
    job, while Covalent's own local executor runs nothing more after it lost a process. The worker also runs the code as
    it is now, not as it was when the server imported it.
    """

    name: ClassVar[str] = "covalent"
    package: ClassVar[str] = "covalent"
    runner_type: ClassVar[str] = "a Covalent executor, or its name"
    capabilities = Capabilities(waits_in_flow=False, many_jobs=False, failed_inputs=False)

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        check_python()
        self._running: set[Dispatch] = set()
        if current_steps() is None:  # else a subflow's body is traced on a worker, which needs no server
            kinds = _executor_kinds()
            if isinstance(runner, str) and runner not in kinds:
                raise UnknownNameError("Covalent executor", runner, kinds)
            if not isinstance(runner, (str, type(None), *kinds.values())):
                raise InputError(f"{runner!r} is no runner of the covalent engine: give {self.runner_type}.")
            check()
            if start := getattr(runner, "start", None):  # a runner with batch jobs
                start()

    @property
    def slots(self) -> int:
        """Number of cores of this machine; that of the server may have another number."""
        return os.cpu_count() or 1

    def trace(self, call: Call, upstream: Sequence[Any], options: dict[str, Any]) -> int:
        """Add an electron; `options` go to ``ct.electron``."""
        return self._add(Step(JobTask(call), upstream, {"executor": self.runner, **options}))

    def trace_subflow(self, call: Call, upstream: Sequence[Any]) -> int:
        """Add a sublattice, which Covalent builds when its inputs have values."""
        return self._add(Step(SubflowTask(call, self.runner), upstream, {}))

    def _add(self, step: Step) -> int:
        steps = current_steps()
        assert steps is not None
        steps.append(step)
        return len(steps) - 1

    def run_graph(self, name: str, trace: Callable[[], list[Node]], options: dict[str, Any]) -> None:
        """Dispatch a lattice and wait for its electrons; `options` go to ``ct.lattice``."""
        with tracing() as steps:
            nodes = trace()
        if not steps:
            return
        import covalent as ct

        server = address()
        try:
            lattice = ct.lattice(Graph(name, steps), **{"executor": self.runner, **options})
            dispatch = Dispatch(server, ct.dispatch(lattice)())
        except OSError as error:  # whatever `requests` raises
            raise EngineError(f"The Covalent server at {server} did not take {name}: {error}. {START}") from error
        self._running.add(dispatch)
        try:
            dispatch.wait()
            outcomes = dispatch.outcomes(steps)
        except Exception as error:
            lost = EngineError(f"lost dispatch {dispatch.id} on the Covalent server at {server}: {error}")
            outcomes = [(step.task.call.failure(lost), []) for step in steps]
        for node in nodes:
            if node.handle is not None:  # a flow whose body ran in place ends with its jobs
                value, node.hidden = outcomes[node.handle]
                node.set_result(value)
        self._running.discard(dispatch)

    def native(self, function: Callable[..., Any], name: str, options: dict[str, Any]) -> Any:
        """Return a ``ct.electron``."""
        import covalent as ct

        return ct.electron(function, **options)

    def interrupt(self) -> None:
        """Cancel the dispatches that run on the server."""
        while self._running:
            dispatch = self._running.pop()
            try:
                dispatch.cancel()
            except (OSError, EngineError) as error:
                warnings.warn(f"Covalent's dispatch {dispatch.id} could not be cancelled: {error}", stacklevel=2)

    @classmethod
    def make_cluster(cls, request: ClusterRequest) -> Any:
        """Return Covalent's Dask executor, on a cluster of dask-jobqueue."""
        from adatom.engines.clusters.covalent import ClusterExecutor

        request.refuse_temporary()
        return ClusterExecutor(request)

    @classmethod
    def make_runner(cls, workers: int) -> Any:
        """Return Covalent's local executor, which runs one job on each core of the server's machine."""
        from covalent.executor import LocalExecutor

        if workers != os.cpu_count():
            warnings.warn(
                f"Covalent's local executor runs {os.cpu_count()} jobs at a time, one on each core, not {workers}.",
                UnusedResourceWarning,
                stacklevel=2,
            )
        return LocalExecutor()


def _executor_kinds() -> dict[str, Any]:
    """Return Covalent's executors by name, made fit for pickle, which cannot import the modules of their classes."""
    from covalent.executor import _executor_manager

    for kind in _executor_manager.executor_plugins_map.values():
        copyreg.pickle(kind, _reduce_executor)
    return _executor_manager.executor_plugins_map


def _reduce_executor(executor: Any) -> tuple[Any, ...]:
    return _restore_executor, (executor.short_name(), executor.__dict__)


def _restore_executor(kind: str, attributes: dict[str, Any]) -> Any:
    cls = _executor_kinds()[kind]
    executor = cls.__new__(cls)
    executor.__dict__.update(attributes)
    return executor
