"""What travels to a worker, and what the worker does with it."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cloudpickle

from adatom.context import engine_name
from adatom.deadline import bounded, is_limited, stop_reason, time_allotted
from adatom.directories import RunDirectory, entered
from adatom.errors import AdatomError, IncompleteError, InputError
from adatom.records import MISS
from adatom.records.journal import journal_in
from adatom.settings import Settings, get_settings, settings_in_force, settings_of_caller, travelling
from adatom.workflow.caching import Caching
from adatom.workflow.capture import captured
from adatom.workflow.failure import Failure
from adatom.workflow.future import follow
from adatom.workflow.structure import collect, substitute

__all__ = ["Batch", "Call", "Outcome", "Slot", "execute", "in_job", "pack", "unpack"]


def in_job() -> bool:
    """Whether this code runs inside a job."""
    return bool(engine_name.get())


@dataclass(frozen=True)
class Slot:
    """Stands in a call's arguments for a result that the engine hands over.

    Attributes
    ----------
    index
        Which of the results.
    path
        What of it.
    """

    index: int
    path: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Call:
    """One call of a job, ready to travel.

    Attributes
    ----------
    name
        What the engine shows.
    directory
        Where the job's files will be.
    header
        What many calls share: settings and module search path, pickled.
    function
        The function, pickled once for all calls of it in a flow.
    arguments
        Positional and keyword arguments, pickled.
    engine
        The engine, for the record.
    retries, retry_delay
        How often to try again after an exception, and how long (s) to wait before.
    timeout
        After how many seconds to kill the work.
    attempt
        How many attempts were lost with their workers.
    id
        Of the job, in the journal.
    journal
        Where the journals are; none is written if empty.
    noted
        Whether the journal says already that it runs.
    caching
        How its result is looked up and stored; None if it is not.
    deadline
        When, in seconds since the epoch, the process that waits for it must have stopped; None if nothing limits it.
    expected
        How long (s) such a job may take, by what earlier ones took; 0 if nobody knows.
    run
        Of a subflow: what the journal says of the run with each job.
    """

    name: str
    directory: str
    header: bytes
    function: bytes
    arguments: bytes
    engine: str
    retries: int = 0
    retry_delay: float = 0.0
    timeout: float | None = None
    attempt: int = 0
    id: str = ""
    journal: str = ""
    noted: bool = False
    caching: Caching | None = None
    deadline: float | None = None
    expected: float = 0.0
    run: Mapping[str, str] = field(default_factory=dict)

    def note(self, state: str, **more: str | int) -> None:
        """Write into the journal what became of this call."""
        if self.journal:
            journal_in(self.journal).record(self.id, state, **more)

    def failure(self, error: BaseException, directory: Path | str | None = None) -> Failure:
        """This call's failure, because of an exception."""
        return Failure.of(error, self.name, str(directory or self.directory))


@dataclass(frozen=True)
class Batch:
    """Several calls that travel as one, so that the engine's cost is paid once.

    Attributes
    ----------
    name
        What the engine shows.
    calls
        The calls, run one after the other.
    """

    name: str
    calls: Sequence[Call]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to, where it need not be pickled: it ran in the caller's process.

    Attributes
    ----------
    value
        The job's value, or a `Failure`.
    """

    value: Any


def header() -> bytes:
    """The settings in force and the module search path, pickled once for all calls that share them."""
    return _header(get_settings(), tuple(sys.path), os.getcwd() if "" in sys.path else "")


@lru_cache(maxsize=16)
def _header(settings: Any, path: tuple[str, ...], here: str) -> bytes:
    folders = [os.path.abspath(folder) for folder in path if not folder.startswith(sys.prefix + os.sep)]
    return cloudpickle.dumps((travelling(settings), folders))


@lru_cache(maxsize=16)
def read_header(packed: bytes) -> Settings:
    """The settings of a call's caller; the caller's modules are found from now on.

    Parameters
    ----------
    packed
        A call's header.
    """
    values, folders = cloudpickle.loads(packed)
    # A worker finds the modules that its caller finds, behind its own.
    sys.path += [folder for folder in folders if folder not in sys.path and os.path.isdir(folder)]
    return settings_of_caller(values)


def pack_function(name: str, function: Callable[..., Any]) -> bytes:
    """A function, pickled: importable code by reference, all other by value.

    Parameters
    ----------
    name
        The job, for the message.
    function
        The function.

    Raises
    ------
    InputError
        It cannot be pickled.
    """
    try:
        return cloudpickle.dumps(function)
    except Exception as error:
        raise InputError(f"The function of {name} cannot be sent to a worker: {error}.") from error


_read_function: Callable[[bytes], Callable[..., Any]] = lru_cache(maxsize=128)(cloudpickle.loads)


def pack_arguments(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Arguments, pickled.

    Parameters
    ----------
    name, function
        The job, for the message.
    args, kwargs
        The arguments.

    Raises
    ------
    InputError
        One of them cannot be pickled; it is named.
    """
    try:
        return cloudpickle.dumps((args, kwargs))
    except Exception as error:
        reason = error
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        given = {**{f"#{i}": item for i, item in enumerate(args)}, **kwargs}
    for key, item in given.items():
        try:
            cloudpickle.dumps(item)
        except Exception as error:
            raise InputError(
                f"Argument {key!r} of {name}, {_brief(item)}, cannot be sent to a worker: {error}. "
                "Pass plain data, or make it inside the job."
            ) from error
    raise InputError(f"The arguments of {name} cannot be sent to a worker: {reason}.") from reason


def _brief(item: Any) -> str:
    return f"a {type(item).__name__}"


def execute(call: Call, upstream: Sequence[Any] = ()) -> Any:
    """Run a call here, to its end.

    Parameters
    ----------
    call
        The call.
    upstream
        The results that fill its slots.

    Returns
    -------
    Any
        The job's value or, whatever it raised, a `Failure`.
    """
    try:
        token = engine_name.set(call.engine)
        try:
            with settings_in_force(read_header(call.header)):
                if call.deadline is None:
                    return _attempts(call, upstream)
                with bounded(call.deadline):
                    return _attempts(call, upstream)
        finally:
            engine_name.reset(token)
    except Exception as error:  # settings of this machine, modules that are not here
        return call.failure(error)


def _attempts(call: Call, upstream: Sequence[Any]) -> Any:
    for attempt in range(call.attempt, call.retries + 1):
        outcome = _attempt(call, attempt, upstream)
        if not isinstance(outcome, Failure) or isinstance(outcome.cause, InputError | IncompleteError):
            break  # bad input does not get better, and this process has no more time
        if attempt < call.retries:
            time.sleep(call.retry_delay)
    return outcome


def _attempt(call: Call, attempt: int, upstream: Sequence[Any]) -> Any:
    if call.timeout is not None:
        from adatom.workflow.child import execute_in_child

        alone = replace(call, timeout=None, retries=attempt, attempt=attempt)
        return execute_in_child(alone, upstream, call.timeout)
    directory = RunDirectory(_attempt_directory(call, attempt))
    try:
        function = _read_function(call.function)
        args, kwargs = cloudpickle.loads(call.arguments)
        if upstream:
            args, kwargs = fill((args, kwargs), upstream)
            for failure in collect((args, kwargs), Failure):
                return failure.skip(call.name)
        caching = call.caching
        if caching:
            caching, stored = _look_up(call, caching, function, args, kwargs)
            if stored is not MISS:
                call.note("cached")
                return stored
        why = _no_time(call)
        if why:
            failure = call.failure(IncompleteError(f"{call.name} was not started: {why}. Run the flow again."))
            call.note("failed", attempt=attempt, cause=failure.in_short)
            return replace(failure, directory=None)
        if caching:
            caching.resume(directory)
        start = time.perf_counter()
        if not (call.noted and attempt == 0):
            call.note("running", attempt=attempt)
        with entered(directory), captured(directory):
            value = settled(function(*args, **kwargs))
        took = time.perf_counter() - start
        if took > _longest.get(call.function, 0.0):
            _longest[call.function] = took
        if caching:
            # By the caller, which is not this process: see `confirm`.
            seen = call.caching is not None and call.caching.key and not caching.refresh and not call.noted
            caching.keep(call.name, value, quiet=bool(seen))
        call.note("done", attempt=attempt)
        return value
    except (Exception, SystemExit) as error:
        directory.fail(error)
        failure = call.failure(error, directory.path if directory.exists else None)
        call.note("failed", attempt=attempt, cause=failure.in_short)
        return failure


_LEAST = 2.0  # seconds without which starting a job makes no sense
_longest: dict[bytes, float] = {}  # seconds that calls of a function took in this process


def _no_time(call: Call) -> str | None:
    """Why a call is not to be started; None if it can be expected to end in time."""
    if not is_limited():
        return None
    expected = max(call.expected, _longest.get(call.function, 0.0))
    allotted = time_allotted()
    # What takes longer than all the time that there ever is would never start, and may go on from where it is cut.
    return stop_reason(_LEAST if allotted is not None and expected > allotted else max(expected, _LEAST))


def _look_up(call: Call, caching: Caching, function: Any, args: Any, kwargs: Any) -> tuple[Caching | None, Any]:
    """What is stored: another process may have computed it meanwhile, or only here the arguments have values."""
    known = caching if caching.key else caching.of_call(call.name, function, args, kwargs)
    if call.noted and known is caching:  # this process looked just now
        return known, MISS
    try:
        return known, known.find(function, args, kwargs) if known else MISS
    except AdatomError as error:  # a cache that is refused here, but not where the job was called
        warnings.warn(f"{call.name} runs uncached: {error}", stacklevel=2)
        return None, MISS


def attempt_directory(call: Call, attempt: int) -> Path:
    """Where the files of a call's first, second ... attempt will be."""
    return Path(_attempt_directory(call, attempt))


def _attempt_directory(call: Call, attempt: int) -> str:
    return call.directory if attempt == 0 else f"{call.directory}-try{attempt + 1}"


def fill(arguments: Any, upstream: Sequence[Any]) -> Any:
    """Arguments with their slots filled.

    Parameters
    ----------
    arguments
        A structure with slots.
    upstream
        The results by slot index.
    """
    return substitute(arguments, Slot, lambda slot: follow(upstream[slot.index], slot.path))


def settled(value: Any) -> Any:
    """What a function gave or, if that is a coroutine, what it comes to, also where the event loop is busy.

    Parameters
    ----------
    value
        What the function gave.
    """
    if not inspect.iscoroutine(value):
        return value
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(value)
    with ThreadPoolExecutor(1) as thread:  # a notebook's own loop runs in this one
        return thread.submit(contextvars.copy_context().run, asyncio.run, value).result()


def pack(work: Call | Batch, upstream: Sequence[Any] = ()) -> bytes:
    """Run a call, or the calls of a batch, and pickle what came of it: what an engine's task does.

    Parameters
    ----------
    work
        What to run.
    upstream
        The results that fill a call's slots.

    Returns
    -------
    bytes
        For `unpack`.
    """
    if isinstance(work, Call):
        return _pack(work, execute(work, upstream))
    start = time.perf_counter()
    results = [_pack(call, execute(call)) for call in work.calls]
    return cloudpickle.dumps((results, time.perf_counter() - start))


def _pack(call: Call, outcome: Any) -> bytes:
    try:
        return cloudpickle.dumps(outcome)
    except Exception as error:
        message = f"The result of {call.name}, {_brief(outcome)}, cannot be sent back: {error}. Return plain data."
        return cloudpickle.dumps(call.failure(AdatomError(message)))


unpack: Callable[[bytes], Any] = cloudpickle.loads
