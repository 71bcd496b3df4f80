"""Covalent: a flow is a lattice, a job an electron, a subflow a sublattice, and a server runs them."""

from __future__ import annotations

import copyreg
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import cloudpickle

from adatom.directories import mark_interrupted
from adatom.errors import EngineError, InputError, JobFailure, JobTimeoutError, UnknownNameError, WorkerDiedError
from adatom.settings import settings_in_force
from adatom.workflow.child import Child
from adatom.workflow.engine import Capabilities, TracingEngine, get_engine
from adatom.workflow.failure import Failure
from adatom.workflow.future import Node
from adatom.workflow.options import UnusedResourceWarning
from adatom.workflow.payload import Call, attempt_directory, fill, pack, read_header, unpack
from adatom.workflow.scope import Scope, with_slots
from adatom.workflow.structure import collect

__all__ = ["CovalentEngine"]

_WATCH = 2.0  # seconds between two looks at whether a job that runs is still wanted
_PATIENCE = 30.0  # seconds for one answer of the server; where it was killed its workers keep its port open
_ENDED = ("COMPLETED", "FAILED", "CANCELLED")
_START = "Start one with `covalent start`."
_RESTART = "Its local executor runs nothing more: restart the server with `covalent restart`."


class _Step(NamedTuple):
    """An electron to be: what it runs, the steps that it needs by index, and what ``ct.electron`` is told."""

    task: _Job | _Subflow
    upstream: Sequence[int]
    options: dict[str, Any]


_steps: ContextVar[list[_Step] | None] = ContextVar("adatom_covalent_steps", default=None)


@contextmanager
def _tracing() -> Iterator[list[_Step]]:
    """Gather what the jobs and subflows that are called in the block will be."""
    steps: list[_Step] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        _steps.reset(token)


class CovalentEngine(TracingEngine):
    """Gives each flow to the Covalent server that runs already, as one lattice.

    The electron of a job starts a process for it. One that dies is then a failure of one job, while Covalent's own
    local executor runs nothing more after it lost a process. And it runs the code as it is now, not as it was when the
    server imported it.
    """

    name: ClassVar[str] = "covalent"
    package: ClassVar[str] = "covalent"
    runner_type: ClassVar[str] = "a Covalent executor, or its name"
    capabilities = Capabilities(waits_in_flow=False, many_jobs=False)

    def __init__(self, runner: Any = None) -> None:
        super().__init__(runner)
        self._running: set[str] = set()
        if _steps.get() is None:  # else a subflow's body is traced on a worker, which needs no server
            kinds = _executor_kinds()
            if isinstance(runner, str) and runner not in kinds:
                raise UnknownNameError("Covalent executor", runner, kinds)
            if not isinstance(runner, (str, type(None), *kinds.values())):
                raise InputError(f"{runner!r} is no runner of the covalent engine: give {self.runner_type}.")
            _get(_server(), "", count=1, status_only=True)

    @property
    def slots(self) -> int:
        """The cores of this machine; the server may have others."""
        return os.cpu_count() or 1

    def trace(self, call: Call, upstream: Sequence[Any], options: dict[str, Any]) -> int:
        """Add an electron; `options` go to ``ct.electron``."""
        return self._add(_Step(_Job(call), upstream, {"executor": self.runner, **options}))

    def trace_subflow(self, call: Call, upstream: Sequence[Any]) -> int:
        """Add a sublattice, which Covalent builds when its inputs are there."""
        return self._add(_Step(_Subflow(call, self.runner), upstream, {}))

    def _add(self, step: _Step) -> int:
        steps = _steps.get()
        assert steps is not None
        steps.append(step)
        return len(steps) - 1

    def run_graph(self, name: str, trace: Callable[[], list[Node]], options: dict[str, Any]) -> None:
        """Dispatch a lattice and wait for its electrons; `options` go to ``ct.lattice``."""
        with _tracing() as steps:
            nodes = trace()
        if not steps:
            return
        import covalent as ct

        server = _server()
        try:
            dispatch = ct.dispatch(ct.lattice(_Graph(name, steps), **{"executor": self.runner, **options}))()
        except OSError as error:  # whatever `requests` raises
            raise EngineError(f"The Covalent server at {server} did not take {name}: {error}. {_START}") from error
        self._running.add(dispatch)
        try:
            _wait(server, dispatch)
            outcomes = _outcomes(server, dispatch, steps)
        except Exception as error:
            lost = EngineError(f"lost dispatch {dispatch} on the Covalent server at {server}: {error}")
            outcomes = [(step.task.call.failure(lost), []) for step in steps]
        for node in nodes:
            if node.handle is not None:  # a flow whose body ran in place ends with its jobs
                value, node.hidden = outcomes[node.handle]
                node.set_result(value)
        self._running.discard(dispatch)

    def native(self, function: Callable[..., Any], name: str, options: dict[str, Any]) -> Any:
        """A ``ct.electron``."""
        import covalent as ct

        return ct.electron(function, **options)

    def interrupt(self) -> None:
        """Cancel what runs on the server."""
        import covalent as ct

        while self._running:
            dispatch = self._running.pop()
            try:
                ct.cancel(dispatch)
                _end_running(_server(), dispatch)
            except (OSError, EngineError) as error:
                warnings.warn(f"Covalent's dispatch {dispatch} could not be cancelled: {error}", stacklevel=2)

    @classmethod
    def make_runner(cls, workers: int) -> Any:
        """Covalent's local executor. It runs as many jobs at the same time as the server's machine has cores."""
        from covalent.executor import LocalExecutor

        if workers != os.cpu_count():
            warnings.warn(
                f"Covalent's local executor runs {os.cpu_count()} jobs at a time, one on each core, not {workers}.",
                UnusedResourceWarning,
                stacklevel=2,
            )
        return LocalExecutor()


# What Covalent pickles and runs. All of it has a `__name__`, which Covalent shows.


class _Graph:
    """The function of a lattice."""

    def __init__(self, name: str, steps: list[_Step]) -> None:
        self.__name__ = name
        self._steps = steps

    def __call__(self) -> None:
        _electrons(self._steps)


def _electrons(steps: list[_Step]) -> list[Any]:
    """Add the electrons to the lattice that Covalent is building."""
    import covalent as ct

    electrons: list[Any] = []
    for task, upstream, options in steps:
        function = ct.lattice(task, executor=task.runner) if isinstance(task, _Subflow) else task
        electrons.append(ct.electron(function, **options)(*(electrons[index] for index in upstream)))
    return electrons


class _Job:
    """The function of a job's electron: a failure is its value, as one that raised would cost the lattice's result."""

    def __init__(self, call: Call) -> None:
        self.__name__ = call.name
        self.call = call

    def __call__(self, *upstream: _Value) -> _Value:
        call = self.call
        while True:
            try:
                return _in_child(partial(_run, call, upstream))
            except WorkerDiedError as error:
                last = call.attempt >= call.retries
                marked = mark_interrupted(attempt_directory(call, call.attempt), str(error), make=last)
                if last:
                    return _Value.of(call.failure(error, marked))
                call = replace(call, attempt=call.attempt + 1)
            except Exception as error:
                return _Value.of(call.failure(error))


def _run(call: Call, upstream: Sequence[_Value]) -> _Value:
    """Run a job, in its own process."""
    try:
        read_header(call.header)  # first: now the caller's modules are found
        packed = pack(call, [value.open()[0] for value in upstream])
        return _Value(packed, _text(unpack(packed)))
    except Exception as error:
        return _Value.of(call.failure(error))


class _Subflow:
    """The function of a sublattice: runs the body of a subflow, and adds electrons for the jobs that it called."""

    def __init__(self, call: Call, runner: Any) -> None:
        self.__name__ = call.name
        self.call = call
        self.runner = runner

    def __call__(self, *upstream: _Value) -> Any:
        import covalent as ct

        try:
            steps, result = _in_child(partial(_expand, self.call, upstream, self.runner))
        except Exception as error:
            steps, result = [], _returned(self.call.failure(error))
        return ct.electron(result)(*_electrons(steps))


def _expand(call: Call, upstream: Sequence[_Value], runner: Any) -> tuple[list[_Step], _Result]:
    """Run the body of a subflow, in a process of its own: the steps that it takes and what it returns."""
    try:
        with settings_in_force(read_header(call.header)), _tracing() as steps:
            flow = cloudpickle.loads(call.function)
            args, kwargs = fill(cloudpickle.loads(call.arguments), [value.open()[0] for value in upstream])
            for failure in collect((args, kwargs), Failure):
                return [], _returned(failure.skip(call.name))
            scope = Scope(get_engine(runner), flow.name, Path(call.directory))
            try:
                value = scope.run_body(flow.fn, args, kwargs)
            except Exception as error:  # jobs that it called before run all the same
                value = error.failure if isinstance(error, JobFailure) else Failure.of(error, call.name, None)
            hidden = [node.in_place for node in scope.nodes if isinstance(node.in_place, Failure)]
            return steps, _returned(value, hidden)
    except Exception as error:
        return [], _returned(call.failure(error))


def _returned(value: Any, hidden: Sequence[Failure] = ()) -> _Result:
    return _Result(cloudpickle.dumps((*with_slots(value), list(hidden))))


class _Result:
    """The function of a sublattice's last electron: what the body returned, with results for futures."""

    __name__ = "result"

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def __call__(self, *parts: _Value) -> _Value:
        return _Value(self._packed, _text("\n".join(map(str, parts))), parts)


class _Value:
    """What an electron gives: pickled, so that Covalent's processes need not import what it is made of.

    They would keep the modules as they were then, do not know the caller's, and make plain tuples and dictionaries of
    all that are like them.

    Parameters
    ----------
    packed
        The value or, for a subflow, what the body returned, with slots.
    text
        What Covalent shows.
    parts
        What the electrons of a subflow gave.
    """

    def __init__(self, packed: bytes, text: str, parts: Sequence[_Value] | None = None) -> None:
        self._packed, self._text, self._parts = packed, text, parts

    @classmethod
    def of(cls, value: Any) -> _Value:
        """A value, pickled."""
        return cls(cloudpickle.dumps(value), _text(value))

    def open(self) -> tuple[Any, list[Failure]]:
        """The value and, for a subflow, the failures of jobs that it does not show."""
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


def _in_child(work: Callable[[], Any]) -> Any:
    """Call a function in a process of its own, for as long as its dispatch goes on."""
    child = Child()
    try:
        child.send(work)
        while not _abandoned():
            try:
                return cloudpickle.loads(child.receive(_WATCH))
            except JobTimeoutError:
                pass
        child.stop()
        raise EngineError("its dispatch was cancelled")
    finally:
        child.kill()


def _abandoned() -> bool:
    """Whether the dispatch that this process works for has ended; no executor of Covalent's ends what it started."""
    from covalent.executor.utils import get_context

    dispatch = get_context().dispatch_id
    try:
        return dispatch is not None and _status(_server(), dispatch) in _ENDED
    except (EngineError, LookupError):
        return False  # the server cannot be reached from here, or not now


# Talking to the server


def _server() -> str:
    import covalent as ct

    return f"http://{ct.get_config('dispatcher.address')}:{ct.get_config('dispatcher.port')}"


def _get(server: str, path: str, **params: Any) -> Any:
    import requests

    try:
        response = requests.get(f"{server}/api/v2/dispatches{path}", params=params, timeout=_PATIENCE)
        response.raise_for_status()
    except requests.RequestException as error:
        raise EngineError(f"No Covalent server answers at {server} ({type(error).__name__}). {_START}") from error
    return response.json()


def _status(server: str, dispatch: str) -> str:
    return _get(server, "", dispatch_id=dispatch, status_only=True)["dispatches"][0]["status"]


def _wait(server: str, dispatch: str) -> None:
    pause, heard = 0.05, time.monotonic()
    while True:
        try:
            if _status(server, dispatch) in _ENDED:
                return
            heard = time.monotonic()
        except EngineError:
            if time.monotonic() > heard + _PATIENCE:
                raise
        time.sleep(pause)
        pause = min(1.0, 1.1 * pause)


def _nodes(server: str, dispatch: str) -> list[dict[str, Any]]:
    """The server's record of each electron."""
    nodes = _get(server, f"/{dispatch}")["lattice"]["transport_graph"]["nodes"]
    return sorted(nodes, key=lambda node: node["id"])


def _outcomes(server: str, dispatch: str, steps: list[_Step]) -> list[tuple[Any, list[Failure]]]:
    """What each step came to. Covalent has nodes of its own between; their names begin with a colon."""
    own = [node for node in _nodes(server, dispatch) if _is_step(node["metadata"]["name"])]
    outcomes: list[tuple[Any, list[Failure]]] = []
    for step, node in zip(steps, own, strict=True):
        if node["metadata"]["status"] == "COMPLETED":
            outcomes.append(_open(step.task.call, node))
        else:
            outcomes.append((_failure(server, step, node, outcomes), []))
    return outcomes


def _is_step(name: str) -> bool:
    return not name.startswith(":") or name.startswith(":sublattice:")


def _open(call: Call, node: dict[str, Any]) -> tuple[Any, list[Failure]]:
    from covalent import TransportableObject

    try:
        return TransportableObject.deserialize(_asset(node, "output")).get_deserialized().open()
    except Exception as error:
        return call.failure(error), []


def _failure(server: str, step: _Step, node: dict[str, Any], before: Sequence[tuple[Any, Any]]) -> Failure:
    """Why an electron that Covalent did not bring to its end has no value."""
    call = step.task.call
    for index in step.upstream:
        if isinstance(needed := before[index][0], Failure):
            return needed.skip(call.name)
    if why := _why(server, node):
        return replace(call.failure(EngineError(why.splitlines()[-1])), traceback=why)
    if node["metadata"]["status"] == "FAILED":
        return call.failure(WorkerDiedError(f"Covalent's process died. {_RESTART}"))
    return call.failure(EngineError(f"Covalent did not run it: {node['metadata']['status']}"))


def _why(server: str, node: dict[str, Any]) -> str:
    """What Covalent kept of an electron's end, or of that of the electrons of a sublattice."""
    for key in ("error", "stderr"):
        if _size(node, key) and (text := _asset(node, key).decode(errors="replace").strip()):
            return f"{text}. {_RESTART}" if "process pool is not usable" in text else text
    below = node["metadata"]["sub_dispatch_id"]
    return next(filter(None, (_why(server, inner) for inner in _nodes(server, below))), "") if below else ""


def _size(node: dict[str, Any], key: str) -> int:
    return node["assets"][key]["size"] or 0


def _asset(node: dict[str, Any], key: str) -> bytes:
    import requests

    response = requests.get(node["assets"][key]["remote_uri"], timeout=_PATIENCE)
    response.raise_for_status()
    return response.content


def _end_running(server: str, dispatch: str) -> None:
    """End the electrons that run: Covalent's own `cancel` only keeps others from starting."""
    import requests

    ending = []
    for node in _nodes(server, dispatch):
        if below := node["metadata"]["sub_dispatch_id"]:
            _end_running(server, below)
        elif node["metadata"]["status"] == "RUNNING":
            url = f"{server}/api/v2/dispatches/{dispatch}/electrons/{node['id']}/job"
            requests.put(url, json={"status": "CANCELLED"}, timeout=_PATIENCE)
            ending.append(node["id"])
    deadline = time.monotonic() + 3 * _WATCH
    while ending and time.monotonic() < deadline:  # until they have handed in what they end with
        ending = [node["id"] for node in _nodes(server, dispatch) if node["id"] in ending and not _size(node, "output")]
        time.sleep(0.1)


# Executors as runners and options


def _executor_kinds() -> dict[str, Any]:
    """Covalent's executors by name, made fit for travel: their classes are in no module that pickle could import."""
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
