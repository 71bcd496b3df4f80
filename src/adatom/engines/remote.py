"""`remote`: any function as a job of the queue engine."""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from adatom.engines.queue import QueueEngine
from adatom.engines.queue.client import Client
from adatom.engines.queue.runner import QueueRunner
from adatom.errors import ArgumentsError, EngineError, IncompleteError, InputError
from adatom.execution.arguments import pack_arguments
from adatom.execution.call import Call, header, pack_function
from adatom.execution.failure import Failure
from adatom.execution.worker import settled, unpack
from adatom.machines.profiles.derived import derived_runner
from adatom.machines.profiles.runner import RunnerProfile
from adatom.settings import get_settings
from adatom.utils.keywords import named_arguments
from adatom.utils.names import unique_name

__all__ = ["RemoteFuture", "remote"]

_LOOK = 1.0  # seconds between two looks at whether jobs can still be done


@named_arguments
def remote(
    function: Callable[..., Any],
    profile: str | RunnerProfile | None = None,
    resources: Mapping[str, Any] | None = None,
    jobs: int = 10,
) -> Callable[..., RemoteFuture]:
    """Return a function that submits a call of another one, and does not wait: ``remote(fit, "cluster")(data)``.

    A job is the same if the function with its code, its arguments and the working directory are the same. A script that
    was killed finds its jobs, those that are done and those that run, when it is run again. When it has ended well, the
    answers that it has looked at are removed.

    Parameters
    ----------
    function
        Function to call, which may be one of the script itself.
    profile
        Name of a runner profile or of a machine, or a `RunnerProfile`. None: the setting ``queue_profile`` or, without
        it, worker processes of this machine.
    resources
        Values for keys of the profile, in place of its own, as ``{"walltime": "2h", "memory": "16G"}``.
    jobs
        Largest number of batch jobs at a time.

    Returns
    -------
    callable
        Function with the parameters of `function`, which returns a `RemoteFuture` at once.

    Raises
    ------
    InputError
        A profile or key does not exist, a value is not valid, or there are resources and no profile.
    """
    if not callable(function):
        raise InputError(f"remote({function!r}): give a function; its arguments come after: remote(function)(...).")
    named = profile if profile is not None else get_settings().queue_profile
    if named is None and resources:
        raise InputError(f"resources={dict(resources)!r}: they are those of batch jobs. Name a profile, too.")
    if named is not None:
        runner = QueueRunner(derived_runner(named, resources or {}), jobs=jobs)
    else:
        runner = QueueRunner()
    runner.profiles()  # which have to be there

    @wraps(function)
    def submit(*args: Any, **kwargs: Any) -> RemoteFuture:
        name = getattr(function, "__name__", type(function).__name__)
        name = "function" if name == "<lambda>" else name
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentsError(f"{name}: {error}.") from None
        except ValueError:  # of a function in C, the parameters may be unknown
            pass
        return RemoteFuture(_session(runner), _call(name, function, args, kwargs))

    return submit


class RemoteFuture:
    """Call of a function that a worker of the queue engine does.

    Parameters
    ----------
    session
        Batch jobs that do it.
    call
        Call, whose value is a `Said`.
    """

    def __init__(self, session: _Session, call: Call) -> None:
        self._session, self._work = session, call
        self._said: Said | None = None
        self._name, self._future = session.submit(call)

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._said is not None or self._future.done()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the end of the call, and return the value of the function.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None: no limit. The job goes on after it.

        Raises
        ------
        JobFailure
            The function raised an exception, which is the cause of this one, or called `sys.exit`.
        WorkerDiedError
            The worker ended before the function did.
        EngineError
            No worker can do the job.
        TimeoutError
            The call has not ended in time.
        """
        said = self._wait(timeout)
        if said.failure is not None:
            raise said.failure.exception()
        return said.value

    @property
    def stdout(self) -> str:
        """Text that the function and its programs printed; it is waited for."""
        return self._wait(None).stdout

    @property
    def stderr(self) -> str:
        """Text that the function and its programs printed as errors; it is waited for."""
        return self._wait(None).stderr

    def _wait(self, timeout: float | None) -> Said:
        end = None if timeout is None else time.monotonic() + timeout
        while self._said is None:
            left = _LOOK if end is None else min(_LOOK, max(0.0, end - time.monotonic()))
            try:
                outcome = unpack(self._future.result(left))
            except NotYet:
                if self._future.done():
                    raise
                if self._session.client.broken:
                    raise EngineError(self._session.client.broken) from None
                if end is not None and time.monotonic() >= end:
                    what = f"{self._work.name} has not ended after {timeout:g} s, and goes on"
                    raise TimeoutError(f"{what}: ask again, or later.") from None
                continue
            if isinstance(outcome, Failure) and isinstance(outcome.cause, IncompleteError):
                self._session.client.release({self._name}, forget=True)  # the time of its batch job was over
                self._name, self._future = self._session.submit(self._work)
                continue
            self._said = Said(None, outcome, "", "") if isinstance(outcome, Failure) else outcome
            if self._said.failure is None:
                self._session.seen.add(self._name)
            else:  # the next script is to try it again
                self._session.client.release({self._name}, forget=True)
        return self._said


@dataclass(frozen=True)
class Said:
    """What a function has returned and printed.

    Attributes
    ----------
    value
        Value of the function.
    failure
        Failure of the function; None: it has returned.
    stdout, stderr
        Text that it printed.
    """

    value: Any
    failure: Failure | None
    stdout: str
    stderr: str


def call_and_listen(name: str, directory: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Said:
    """Call a function in a worker process, and return what it returned and printed.

    Parameters
    ----------
    name
        Name of the function.
    directory
        Working directory of the caller, in which relative paths are.
    function, args, kwargs
        Function with its arguments.
    """
    value, failure = None, None
    with _listening() as heard:
        try:
            value = settled(function(*args, **kwargs))
        except (Exception, SystemExit) as error:
            failure = Failure.of(error, name, None)
    return Said(value, failure, *heard)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Yield a list that holds, after the block, what this process and its programs have printed in it."""
    heard: list[str] = []
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        kept = [os.dup(1), os.dup(2)]
        _flush()
        try:
            for number, file in ((1, out), (2, err)):
                os.dup2(file.fileno(), number)
            yield heard
        finally:
            _flush()
            for number, before in zip((1, 2), kept, strict=True):
                os.dup2(before, number)
                os.close(before)
            for file in (out, err):
                file.seek(0)
                heard.append(file.read().decode(errors="replace"))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the function may have closed it
            pass


def _call(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    given = (name, os.getcwd(), function, args, kwargs)
    packed = pack_arguments(name, call_and_listen, given, {})
    directory = get_settings().results_dir / unique_name("REMOTE", name)
    return Call(name, str(directory), header(), pack_function(name, call_and_listen), packed, QueueEngine.name)


class _Session:
    """Batch jobs of one kind, and what this process has asked of them."""

    def __init__(self, runner: QueueRunner) -> None:
        self.client = Client(runner.batch_jobs())
        self.seen: set[str] = set()  # names of the jobs whose values were looked at
        self._running: set[Future[bytes]] = set()
        # As for engines: by the time of `atexit` no thread pool works any more.
        threading._register_atexit(self.end, os.getpid())  # type: ignore[attr-defined]

    def submit(self, call: Call) -> tuple[str, Future[bytes]]:
        name, future = self.client.submit(call, keep=True)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return name, future

    def end(self, pid: int) -> None:
        """Leave jobs that have not ended, and remove the values that were looked at, if the script has ended well."""
        if os.getpid() == pid:
            well = getattr(sys, "last_type", None) is None
            self.client.release(self.seen, forget=well)
            self.client.close(leave=not well or bool(self._running))


_sessions: dict[tuple[Any, ...], _Session] = {}
_making = threading.Lock()


def _session(runner: QueueRunner) -> _Session:
    """Return a session, the same one for the same batch jobs."""
    said = [document.model_dump_json() for document in runner.profiles()]
    key = (*said, runner.jobs, get_settings().queue_dir)
    with _making:
        if key not in _sessions:
            _sessions[key] = _Session(runner)
        return _sessions[key]


def _forget() -> None:
    """Let a process that was forked make sessions of its own: it has none of the threads of these."""
    global _making
    _sessions.clear()
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget)
