"""The outcome of a function that was sent to a batch job."""

from __future__ import annotations

import time
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from adatom.engines.remote.listening import Said
from adatom.engines.remote.session import Session
from adatom.errors import EngineError, IncompleteError
from adatom.execution.call import Call
from adatom.execution.failure import Failure
from adatom.execution.worker import unpack

__all__ = ["RemoteFuture"]

_LOOK = 1.0  # seconds between two looks at whether jobs can still be done


class RemoteFuture:
    """Call of a function that a worker of the queue engine does.

    Parameters
    ----------
    session
        Batch jobs that do it.
    call
        Call, whose value is a `Said`.
    """

    def __init__(self, session: Session, call: Call) -> None:
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
