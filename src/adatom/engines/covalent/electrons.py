"""The objects that Covalent pickles and runs. Each has a ``__name__``, which Covalent shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle

from adatom.engines.covalent.tracing import TracingGraph, with_slots
from adatom.engines.covalent.workers import run_in_worker
from adatom.errors import JobFailure, WorkerDiedError
from adatom.execution.arguments import fill, read_arguments
from adatom.execution.call import Call, read_header
from adatom.execution.directories import mark_interrupted
from adatom.execution.failure import Failure
from adatom.execution.registry import get_engine
from adatom.execution.worker import pack, unpack
from adatom.settings import settings_in_force
from adatom.utils.nested import collect
from adatom.workflow.runlog import RunLog

__all__ = ["Graph", "JobTask", "Step", "SubflowTask", "current_steps", "tracing"]


class Step(NamedTuple):
    """An electron to be made: its function, the indices of the steps that it needs, and options of ``ct.electron``."""

    task: JobTask | SubflowTask
    upstream: Sequence[int]
    options: dict[str, Any]


_steps: ContextVar[list[Step] | None] = ContextVar("adatom_covalent_steps", default=None)


@contextmanager
def tracing() -> Iterator[list[Step]]:
    """Gather the steps of the jobs and subflows that are called in the block."""
    steps: list[Step] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


def current_steps() -> list[Step] | None:
    """Return the list for the steps of the graph that is being built; None if no graph is."""
    return _steps.get()


class Graph:
    """The function of a lattice."""

    def __init__(self, name: str, steps: list[Step]) -> None:
        self.__name__ = name
        self._steps = steps

    def __call__(self) -> None:
        """Build the lattice."""
        add_electrons(self._steps)


def add_electrons(steps: list[Step]) -> list[Any]:
    """Add the electrons to the lattice that Covalent is building, and return them."""
    import covalent as ct

    electrons: list[Any] = []
    for task, upstream, options in steps:
        function = ct.lattice(task, executor=task.runner) if isinstance(task, SubflowTask) else task
        electrons.append(ct.electron(function, **options)(*(electrons[index] for index in upstream)))
    return electrons


class JobTask:
    """The function of a job's electron. It returns a failure, as an exception would cost the lattice its result."""

    def __init__(self, call: Call) -> None:
        self.__name__ = call.name
        self.call = call

    def __call__(self, *upstream: _Value) -> _Value:
        """Run the job with the results that it needs."""
        call = self.call
        while True:
            try:
                return run_in_worker(partial(_run, call, upstream))
            except WorkerDiedError as error:
                last = call.attempt >= call.retries
                marked = mark_interrupted(Path(call.directory_of(call.attempt)), str(error), make=last)
                if last:
                    return _Value.of(call.failure(error, marked))
                call = replace(call, attempt=call.attempt + 1)
            except Exception as error:
                return _Value.of(call.failure(error))


def _run(call: Call, upstream: Sequence[_Value]) -> _Value:
    """Run a job, in a worker process."""
    try:
        read_header(call.header)  # first, so that the caller's modules are found
        packed = pack(call, [value.open()[0] for value in upstream])
        return _Value(packed, _text(unpack(packed)))
    except Exception as error:
        return _Value.of(call.failure(error))


class SubflowTask:
    """The function of a sublattice, which runs the body of a subflow and adds electrons for the jobs that it called."""

    def __init__(self, call: Call, runner: Any) -> None:
        self.__name__ = call.name
        self.call = call
        self.runner = runner

    def __call__(self, *upstream: _Value) -> Any:
        """Run the body with the results that it needs."""
        import covalent as ct

        try:
            steps, result = run_in_worker(partial(_expand, self.call, upstream, self.runner))
        except Exception as error:
            steps, result = [], _returned(self.call.failure(error))
        return ct.electron(result)(*add_electrons(steps))


def _expand(call: Call, upstream: Sequence[_Value], runner: Any) -> tuple[list[Step], _Result]:
    """Run the body of a subflow, in a worker process, and return its steps and its value."""
    try:
        with settings_in_force(read_header(call.header)), tracing() as steps:
            flow = cloudpickle.loads(call.function)
            args, kwargs = fill(read_arguments(call.arguments), [value.open()[0] for value in upstream])
            for failure in collect((args, kwargs), Failure):
                return [], _returned(failure.skip(call.name))
            log = RunLog(call.run, call.journal)
            graph = TracingGraph(get_engine(runner), flow.name, Path(call.directory), options=flow.options, log=log)
            try:
                value = graph.run_body(flow.fn, args, kwargs)
            except Exception as error:  # jobs that the body called before run all the same
                value = error.failure if isinstance(error, JobFailure) else Failure.of(error, call.name, None)
            hidden = [node.in_place for node in graph.nodes if isinstance(node.in_place, Failure)]
            return steps, _returned(value, hidden)
    except Exception as error:
        return [], _returned(call.failure(error))


def _returned(value: Any, hidden: Sequence[Failure] = ()) -> _Result:
    return _Result(cloudpickle.dumps((*with_slots(value), list(hidden))))


class _Result:
    """The function of a sublattice's last electron, which returns the value of the body with results for futures."""

    __name__ = "result"

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def __call__(self, *parts: _Value) -> _Value:
        return _Value(self._packed, _text("\n".join(map(str, parts))), parts)


class _Value:
    """Value of an electron, pickled so that Covalent's processes need not import the modules of its parts.

    These processes would keep the first version of a module, do not find the caller's modules, and turn all objects
    that resemble tuples and dictionaries into plain ones.

    Parameters
    ----------
    packed
        Pickled value or, for a subflow, the pickled value of the body with slots, the indices of the parts that fill
        them, and the failures that it does not show.
    text
        Text that Covalent shows for the value.
    parts
        Values of the electrons of a subflow; None for a job.
    """

    def __init__(self, packed: bytes, text: str, parts: Sequence[_Value] | None = None) -> None:
        self._packed, self._text, self._parts = packed, text, parts

    @classmethod
    def of(cls, value: Any) -> _Value:
        """Pickle a value, with its text."""
        return cls(cloudpickle.dumps(value), _text(value))

    def open(self) -> tuple[Any, list[Failure]]:
        """Return the value and, for a subflow, the failures of jobs that the value does not show."""
        if self._parts is None:
            return unpack(self._packed), []
        value, needed, hidden = unpack(self._packed)
        parts = [part.open() for part in self._parts]
        value = fill(value, [parts[index][0] for index in needed])
        shown = {id(failure) for failure in collect(value, Failure)}
        for part, below in parts:
            hidden += [*below, *(failure for failure in collect(part, Failure) if id(failure) not in shown)]
        return value, hidden

    def __repr__(self) -> str:
        return self._text


def _text(value: Any) -> str:
    try:
        return str(value)[:10_000]
    except Exception as error:
        return f"{type(value).__name__}, whose text {error!r} prevents"
