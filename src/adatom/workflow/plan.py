"""The plan of a flow: the jobs that it will run, known before it runs."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future as ConcurrentFuture
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from adatom.errors import AdatomError, EngineError
from adatom.execution.arguments import fill
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.failure import Failure
from adatom.journal.jobs import JobRecord, read_jobs
from adatom.settings import get_settings
from adatom.utils.nested import collect, substitute
from adatom.workflow.future import Future
from adatom.workflow.graph import Graph
from adatom.workflow.options import first_argument, label
from adatom.workflow.waiting import when_ready

if TYPE_CHECKING:
    from adatom.workflow.flow import Flow
    from adatom.workflow.job import Job

__all__ = ["Plan", "PlannedJob", "make_plan"]


@dataclass(frozen=True)
class PlannedJob:
    """A job that a flow will run, once or several times.

    Attributes
    ----------
    name
        Name of the job, without a label.
    recipe
        Module and name of the function of the job.
    count
        Number of times that the job will run.
    core_hours
        Core hours of all runs together, by the median time of earlier ones; None if there were none.
    """

    name: str
    recipe: str
    count: int
    core_hours: float | None


@dataclass(frozen=True)
class Plan:
    """Jobs that a flow will run.

    Attributes
    ----------
    flow
        Name of the flow.
    jobs
        Jobs in the order in which they are first called.
    guessed
        Whether results had to be guessed to count the jobs: a result under the name of a parameter of its job, such as
        ``atoms`` of a relaxation, is taken to be like the argument.
    unknown
        Reasons for which some jobs cannot be counted: the name of a flow or subflow, and the value that it waits for.
    """

    flow: str
    jobs: tuple[PlannedJob, ...]
    guessed: bool
    unknown: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of jobs that will run, without the unknown ones."""
        return sum(job.count for job in self.jobs)

    @property
    def core_hours(self) -> float | None:
        """Core hours of these jobs, by the times of earlier ones; None if the journal has no time for one of them."""
        hours = [job.core_hours for job in self.jobs]
        return None if None in hours else sum(hour for hour in hours if hour is not None)

    def __str__(self) -> str:
        about = "about " if self.guessed else ""
        hours = "" if self.core_hours is None else f", {self.core_hours:.3g} core hours"
        jobs = "1 job" if self.count == 1 else f"{self.count} jobs"
        lines = [f"{self.flow}: {about}{jobs}{hours}{' and more' if self.unknown else ''}"]
        width = max((len(job.name) for job in self.jobs), default=0)
        for job in self.jobs:
            hours = "" if job.core_hours is None else f"  {job.core_hours:.3g} core hours"
            lines.append(f"{job.name:{width}} {job.count:6}{hours}")
        return "\n".join([*lines, *(f"not known before it runs: {reason}" for reason in self.unknown)])


def make_plan(flow: Flow[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Plan:
    """Return the plan of a flow: its body and those of the flows in it run, but none of their jobs.

    Parameters
    ----------
    flow, args, kwargs
        Flow that would be called, and all its arguments.

    Raises
    ------
    AdatomError
        The flow refuses its input.
    """
    graph = _PlanGraph(_Nobody(), flow.name, Path())
    try:
        graph.run_body(flow._fn, args, kwargs)
    except NotKnownError as error:
        graph.unknown.append(f"{flow.name}: {error}")
    for node in graph.nodes:
        if node.done() and isinstance(node.result(), Failure):
            failure: Failure = node.result()
            if not isinstance(failure.cause, NotKnownError):
                raise failure.cause or failure.exception()
            graph.unknown.append(f"{failure.job}: {failure.message}")
    past = _Past(read_jobs(get_settings().results_dir))
    called: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    for job, about in graph.counted:
        called[job.name, job.recipe].append(past.core_hours(job, about))
    jobs = (
        PlannedJob(name, recipe, len(hours), None if None in hours else sum(hour for hour in hours if hour))
        for (name, recipe), hours in called.items()
    )
    return Plan(flow.name, tuple(jobs), graph.guessed, tuple(dict.fromkeys(graph.unknown)))


class NotKnownError(AdatomError):
    """The body of a flow looks at a value that exists only when the flow runs."""


class _Nobody(Engine):
    name: ClassVar[str] = "plan"
    capabilities = Capabilities(concurrent=False)
    slots = 1

    def submit(self, work: Any, options: dict[str, Any]) -> ConcurrentFuture[Any]:
        raise EngineError("A plan runs nothing.")


class _PlanGraph(Graph):
    """A flow whose jobs are counted, and return objects that stand for their results."""

    root: _PlanGraph

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.counted: list[tuple[Job[Any, Any], str]] = []
        self.unknown: list[str] = []
        self.guessed = False

    def add(self, job: Job[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        node = self.node(job.name, job.recipe)

        def count(given: Any, values: Sequence[Any]) -> None:
            args, kwargs = substitute(fill(given, values), _Result, lambda result: result.guess)
            self.root.counted.append((job, label(first_argument(args, kwargs))))
            given = inspect.signature(job.fn).bind(*args, **kwargs).arguments
            node.settle(_Result(job.name, given))

        when_ready(self, node, (args, kwargs), count)
        return Future(node)

    def inner(self, flow: Flow[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        if flow.options.runner is not None:
            flow = flow.with_options(runner=None)
        if not flow.waits:
            return super().inner(flow, args, kwargs)
        node = self.node(flow.name)

        def expand(given: Any, values: Sequence[Any]) -> None:
            ready = fill(given, values)
            results = collect(ready, _Result)
            missing = [result for result in results if result.guess is result]
            if missing:
                self.root.unknown.append(f"{flow.name}: waits for {missing[0]}")
                node.settle(_Result(flow.name, {}))
                return
            self.root.guessed |= bool(results)
            guessed = substitute(ready, _Result, lambda result: result.guess)
            _PlanGraph(self.engine, flow.name, self.directory, self, flow.options).expand(node, flow._fn, *guessed)

        when_ready(self, node, (args, kwargs), expand)
        return Future(node)


class _Result:
    """Stand-in for the result of a job, or a part of it; `guess` is a value that may be like it, or the stand-in."""

    def __init__(self, of: str, given: dict[str, Any], guess: Any = None) -> None:
        self._of, self._given = of, given
        self.guess = self if guess is None else guess

    def __getitem__(self, key: Any) -> Any:
        return _Result(f"{self._of}[{key!r}]", {}, self._given.get(key) if isinstance(key, str) else None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Result(f"{self._of}.{name}", {})

    def _not_known(self, *_: Any) -> NoReturn:
        raise NotKnownError(f"looks at the value of {self._of}")

    __bool__ = __iter__ = __len__ = __float__ = __int__ = __index__ = _not_known
    __lt__ = __gt__ = __le__ = __ge__ = __add__ = __sub__ = __mul__ = __truediv__ = __neg__ = _not_known
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __contains__ = _not_known

    def __repr__(self) -> str:
        return self._of


class _Past:
    """Median times of earlier jobs that ended well, by recipe and label and, where no label fits, by recipe alone."""

    def __init__(self, records: list[JobRecord]) -> None:
        took: dict[str | tuple[str, str], list[float]] = defaultdict(list)
        for record in records:
            if record.state == "done" and record.start is not None and record.end is not None:
                for key in (record.recipe, (record.recipe, record.name.partition(" ")[2])):
                    took[key].append(record.end - record.start)
        self._seconds = {key: median(times) for key, times in took.items()}

    def core_hours(self, job: Job[Any, Any], about: str) -> float | None:
        seconds = self._seconds.get((job.recipe, about), self._seconds.get(job.recipe))
        needs = job.options.needs
        cores = needs.nodes * needs.cores_per_node if needs else 1
        return None if seconds is None else seconds * cores / 3600
