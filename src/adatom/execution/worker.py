"""What a worker does with a call."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
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
from adatom.execution.caching import Caching
from adatom.execution.call import Batch, Call, fill, read_arguments, read_function, read_header
from adatom.execution.capture import captured
from adatom.execution.context import ahead, engine_name, job_resources
from adatom.execution.deadline import bounded, is_limited, stop_reason, time_allotted, time_left
from adatom.execution.directories import RunDirectory, entered
from adatom.execution.failure import Failure
from adatom.settings import settings_in_force
from adatom.utils.nested import collect

__all__ = ["execute", "pack", "settled", "unpack"]

logger = logging.getLogger(__name__)


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
        with _place(call):
            if call.deadline is None:
                return _attempts(call, upstream)
            with bounded(call.deadline):
                return _attempts(call, upstream)
    except Exception as error:  # settings of this machine, modules that are not here
        return call.failure(error)


@contextmanager
def _place(call: Call) -> Iterator[None]:
    """What a call can know of the place that it runs in."""
    token, needs = engine_name.set(call.engine), job_resources.set(call.resources)
    try:
        with settings_in_force(read_header(call.header)):
            yield
    finally:
        engine_name.reset(token)
        job_resources.reset(needs)


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
        from adatom.execution.process import execute_in_child

        alone = replace(call, timeout=None, retries=attempt, attempt=attempt)
        return execute_in_child(alone, upstream, call.timeout)
    directory = RunDirectory(call.directory_of(attempt))
    try:
        function = read_function(call.function)
        args, kwargs = read_arguments(call.arguments)
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
            if call.deadline is None:  # it is given back, to go on elsewhere: the next one would be, too
                time.sleep(max(0.0, min(time_left() or 0.0, _HELD)))
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
            caching.keep(call.name, value, directory, quiet=bool(seen))
        call.note("done", attempt=attempt)
        return value
    except (Exception, SystemExit) as error:
        directory.fail(error)
        failure = call.failure(error, directory.path if directory.exists else None)
        call.note("failed", attempt=attempt, cause=failure.in_short)
        return failure


_HELD = 10.0  # seconds for which a worker that has no more time for a job takes no other
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
    results = []
    for call, found in zip(work.calls, _ahead(work), strict=True):
        token = ahead.set((work.recipe, found))
        results.append(_pack(call, execute(call)))
        ahead.reset(token)
    return cloudpickle.dumps((results, time.perf_counter() - start))


def _ahead(batch: Batch) -> Sequence[Any]:
    """What is done at once for the calls of a batch, one item for each."""
    nothing = [None] * len(batch.calls)
    if not batch.ahead or len(batch.calls) == 1:
        return nothing
    try:
        with _place(batch.calls[0]):
            arguments = [read_arguments(call.arguments) for call in batch.calls]
            found = read_function(batch.ahead)([args[0] for args, _ in arguments], **arguments[0][1])
        if len(found) != len(nothing):
            raise ValueError(f"what is done ahead gave {len(found)} values for {len(nothing)} calls")
    except Exception as error:  # it may be the fault of one of them, which will say so when it runs
        logger.warning("%s runs one by one: %s: %s", batch.name, type(error).__name__, error)
        return nothing
    return found


def _pack(call: Call, outcome: Any) -> bytes:
    try:
        return cloudpickle.dumps(outcome)
    except Exception as error:
        message = (
            f"The result of {call.name}, a {type(outcome).__name__}, cannot be sent back: {error}. Return plain data."
        )
        return cloudpickle.dumps(call.failure(AdatomError(message)))


unpack: Callable[[bytes], Any] = cloudpickle.loads
