"""The worker's side of a call: run it to its end, whatever happens."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import cloudpickle

from adatom.cache import MISS
from adatom.errors import AdatomError, IncompleteError, InputError
from adatom.execution.arguments import fill, read_arguments
from adatom.execution.caching import Caching
from adatom.execution.call import Batch, Call, read_function, read_header
from adatom.execution.capture import JobLog, capturing
from adatom.execution.context import current_job, job_context
from adatom.execution.deadline import LEAST, is_limited, stop_reason, stop_requested, time_allotted, time_left
from adatom.execution.directories import RunDirectory
from adatom.execution.failure import Failure
from adatom.execution.meeting import Meeting
from adatom.settings import settings_in_force
from adatom.utils.nested import collect

__all__ = ["execute", "pack", "settled", "unpack"]

logger = logging.getLogger(__name__)

_HELD = 10.0  # seconds for which a worker that has no more time for a job takes no other
_longest: dict[bytes, float] = {}  # seconds that calls of a function took in this process


def pack(work: Call | Batch, upstream: Sequence[Any] = ()) -> bytes:
    """Run a call, or the calls of a batch, and pickle the outcome: this is an engine's task.

    Parameters
    ----------
    work
        Call or batch to run.
    upstream
        Results for the slots of a call.

    Returns
    -------
    bytes
        For `unpack`: the outcome of a call; of a batch, the pickled outcome of each call, and the seconds of all.
    """
    if isinstance(work, Call):
        return _packed(work, execute(work, upstream))
    start = time.perf_counter()
    pairs = list(zip(work.calls, _values(work), strict=True))
    if work.lockstep:
        results = _side_by_side(pairs)
    else:
        results = [_packed(call, execute(call, value=value)) for call, value in pairs]
    return cloudpickle.dumps((results, time.perf_counter() - start))


unpack: Callable[[bytes], Any] = cloudpickle.loads


def _side_by_side(pairs: Sequence[tuple[Call, Any]]) -> list[bytes]:
    """Run calls in threads that meet, and return the pickled outcome of each."""
    meeting = Meeting(len(pairs))

    def run(call: Call, value: Any) -> bytes:
        try:
            with job_context(meeting=meeting):
                return _packed(call, execute(call, value=value))
        except BaseException:
            meeting.end()
            raise
        finally:
            meeting.leave()

    with ThreadPoolExecutor(len(pairs)) as threads:
        running = [threads.submit(contextvars.copy_context().run, run, *pair) for pair in pairs]
        try:
            return [one.result() for one in running]
        except BaseException:  # Ctrl-C, which reaches this thread alone
            meeting.end()
            raise


def execute(call: Call, upstream: Sequence[Any] = (), value: Any = None) -> Any:
    """Run a call in this process, and again as its retries allow.

    Parameters
    ----------
    call
        Call to run in this process.
    upstream
        Results for the slots of the call.
    value
        Value that the batch function computed for the call.

    Returns
    -------
    Any
        Value of the job or, whatever it raised, a `Failure`.
    """
    for attempt in range(call.attempt, call.retries + 1):
        try:
            outcome = _attempt(call, attempt, upstream, value)
        except Exception as error:  # settings of this machine, modules that are not here
            outcome = call.failure(error)
        if not isinstance(outcome, Failure) or isinstance(outcome.cause, InputError | IncompleteError):
            break  # bad input does not get better, and this process has no more time
        if attempt < call.retries:
            time.sleep(call.retry_delay)
    return outcome


def _attempt(call: Call, attempt: int, upstream: Sequence[Any], value: Any) -> Any:
    if call.timeout is not None:
        from adatom.execution.timed import execute_in_child

        alone = replace(call, timeout=None, retries=attempt, attempt=attempt)
        return execute_in_child(alone, upstream, call.timeout)
    directory = RunDirectory(call.directory_of(attempt))
    deadline = current_job().deadline if call.deadline is None else call.deadline
    with (
        settings_in_force(read_header(call.header)),
        job_context(
            engine=call.engine,
            resources=call.resources,
            deadline=deadline,
            directory=directory,
            log=JobLog(directory),
            batch_value=value,
        ),
    ):
        try:
            return _run(call, attempt, directory, upstream)
        except BaseException as error:
            directory.fail(error)
            if isinstance(error, KeyboardInterrupt) and (call.noted or stop_requested()):
                raise  # the process is ended
            failure = call.failure(error, directory.path if directory.exists else None)
            failure = replace(failure, resumable=directory.is_resumable)
            call.note("failed", attempt=attempt, cause=failure.in_short)
            return failure


def _run(call: Call, attempt: int, directory: RunDirectory, upstream: Sequence[Any]) -> Any:
    function = read_function(call.function)
    args, kwargs = read_arguments(call.arguments)
    if upstream:
        args, kwargs = fill((args, kwargs), upstream)
        for failure in collect((args, kwargs), Failure):
            return failure.skip(call.name)
    caching, stored = _look_up(call, function, args, kwargs)
    if stored is not MISS:
        call.note("cached")
        return stored
    unlimited = call.noted and call.deadline is None  # this process has just asked
    if not unlimited and is_limited() and (why := _no_time(call)):
        return _not_started(call, attempt, why)
    if caching:
        caching.resume(directory)
    start = time.perf_counter()
    if not (call.noted and attempt == 0):
        call.note("running", attempt=attempt)
    with capturing:
        value = _computed(getattr(function, "fn", function), args, kwargs)
        directory.finish()
    _longest[call.function] = max(time.perf_counter() - start, _longest.get(call.function, 0.0))
    if caching:
        # A result that cannot be stored here is stored by the caller, if that is another process: `Caching.confirm`.
        confirmed = call.caching is not None and call.caching.key and not caching.refresh and not call.noted
        caching.keep(call.name, value, directory, quiet=bool(confirmed))
    call.note("done", attempt=attempt)
    return value


def _computed(function: Any, args: Any, kwargs: Any) -> Any:
    with _no_copies():
        return settled(function(*args, **kwargs))


@contextmanager
def _no_copies() -> Iterator[None]:
    """End copies of this process that code in the block forks: else they would answer, and take the next work."""
    pid = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != pid:
            sys.stdout.flush()
            os._exit(0)


def _look_up(call: Call, function: Any, args: Any, kwargs: Any) -> tuple[Caching | None, Any]:
    """Return the stored result: another process may have computed it, or only here the arguments have values."""
    caching = call.caching
    if caching is None or (caching.key and call.noted):  # in the second case this process has just looked
        return caching, MISS
    known = caching if caching.key else caching.of_call(call.name, function, args, kwargs)
    try:
        return known, known.find(function, args, kwargs) if known else MISS
    except AdatomError as error:  # a cache that is refused here, but not where the job was called
        warnings.warn(f"{call.name} runs uncached: {error}", stacklevel=2)
        return None, MISS


def _no_time(call: Call) -> str | None:
    """Return why a call is not to be started; None if it can be expected to end in time."""
    expected = call.expected
    if call.id:  # all streams have one function, and their batches differ in size
        expected = max(expected, _longest.get(call.function, 0.0))
    allotted = time_allotted()
    # What takes longer than all the time that there ever is would never start, and may go on from where it is cut.
    return stop_reason(LEAST if allotted is not None and expected > allotted else max(expected, LEAST))


def _not_started(call: Call, attempt: int, why: str) -> Failure:
    failure = call.failure(IncompleteError(f"{call.name} was not started: {why}. Run the flow again."))
    call.note("failed", attempt=attempt, cause=failure.in_short)
    if call.deadline is None:  # the caller sends it to another worker; this one would refuse the next, too
        time.sleep(max(0.0, min(time_left() or 0.0, _HELD)))
    return replace(failure, directory=None)


def settled(value: Any) -> Any:
    """Return a value or, of a coroutine, its result, also where an event loop is busy.

    Parameters
    ----------
    value
        Value that a function returned.
    """
    if not inspect.iscoroutine(value):
        return value
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(value)
    with ThreadPoolExecutor(1) as thread:  # a notebook's own loop runs in this one
        return thread.submit(contextvars.copy_context().run, asyncio.run, value).result()


def _values(batch: Batch) -> Sequence[Any]:
    """Return the value of the batch function for each call; None where there is none."""
    nothing = [None] * len(batch.calls)
    if not batch.batch_function or len(batch.calls) == 1:
        return nothing
    first = batch.calls[0]
    try:
        with settings_in_force(read_header(first.header)), job_context(engine=first.engine, resources=first.resources):
            arguments = [read_arguments(call.arguments) for call in batch.calls]
            with _no_copies():
                values = read_function(batch.batch_function)([args[0] for args, _ in arguments], **arguments[0][1])
        if len(values) != len(nothing):
            raise ValueError(f"the batch function gave {len(values)} values for {len(nothing)} calls")
    except Exception as error:  # it may be the fault of one call, which will say so when it runs
        logger.warning("%s runs one by one: %s: %s", batch.name, type(error).__name__, error)
        return nothing
    return values


def _packed(call: Call, outcome: Any) -> bytes:
    try:
        return cloudpickle.dumps(outcome)
    except Exception as error:
        message = (
            f"The result of {call.name}, a {type(outcome).__name__}, cannot be sent back: {error}. Return plain data."
        )
        return cloudpickle.dumps(call.failure(AdatomError(message)))
