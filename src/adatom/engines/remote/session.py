"""The batch jobs that the functions of this process are sent to."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import Future
from typing import Any

from adatom.engines.queue.client import Client
from adatom.engines.queue.runner import QueueRunner
from adatom.execution.call import Call
from adatom.settings import get_settings

__all__ = ["Session", "session_of"]


class Session:
    """Batch jobs of one kind, and what this process has asked of them.

    Parameters
    ----------
    runner
        Batch jobs.

    Attributes
    ----------
    client
        Tasks that this process waits for.
    seen
        Names of the jobs whose values were looked at.
    """

    def __init__(self, runner: QueueRunner) -> None:
        self.client = Client(runner.batch_jobs())
        self.seen: set[str] = set()
        self._running: set[Future[bytes]] = set()
        # As for engines: by the time of `atexit` no thread pool works any more.
        threading._register_atexit(self.end, os.getpid())  # type: ignore[attr-defined]

    def submit(self, call: Call) -> tuple[str, Future[bytes]]:
        """Send a call to a worker, and return the name of the job and the future of its answer."""
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


_sessions: dict[tuple[Any, ...], Session] = {}
_making = threading.Lock()


def session_of(runner: QueueRunner) -> Session:
    """Return a session, the same one for the same batch jobs.

    Parameters
    ----------
    runner
        Batch jobs.
    """
    said = [document.model_dump_json() for document in runner.profiles()]
    key = (*said, runner.jobs, get_settings().queue_dir)
    with _making:
        if key not in _sessions:
            _sessions[key] = Session(runner)
        return _sessions[key]


def _forget() -> None:
    """Let a process that was forked make sessions of its own: it has none of the threads of these."""
    global _making
    _sessions.clear()
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget)
