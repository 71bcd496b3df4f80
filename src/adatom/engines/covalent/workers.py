"""Worker processes of Covalent's processes, each for the jobs of one dispatch."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import cloudpickle

from adatom.engines.covalent.server import WATCH, Dispatch, address
from adatom.errors import EngineError, JobTimeoutError
from adatom.execution.process import Child

__all__ = ["run_in_worker"]

_IDLE = 30.0  # seconds for which a worker waits for the next job; a loaded server takes several of them to send one
# By dispatch, as the next one may come with other code.
_idle: dict[str | None, dict[Child, threading.Timer]] = defaultdict(dict)
_lock = threading.Lock()


def run_in_worker(work: Callable[[], Any]) -> Any:
    """Call a function in a worker process of this dispatch, for as long as the dispatch goes on.

    The start of an interpreter costs more than many a job, so the process serves later jobs of the dispatch too. It
    ends with the dispatch, and when it has been idle for a while.

    Parameters
    ----------
    work
        Function without parameters.

    Returns
    -------
    Any
        What the function returned.

    Raises
    ------
    WorkerDiedError
        The process ended.
    EngineError
        The dispatch was cancelled.
    """
    dispatch = _dispatch()
    child = _take(dispatch)
    try:
        child.send(work)
        while not _ended(dispatch):
            try:
                value = cloudpickle.loads(child.receive(WATCH))
            except JobTimeoutError:
                continue
            _keep(dispatch, child)
            return value
        child.stop()
        raise EngineError("its dispatch was cancelled")
    except BaseException:
        child.kill()
        raise


def _take(dispatch: str | None) -> Child:
    """Return an idle worker of a dispatch, or else a new one."""
    while True:
        with _lock:
            if not _idle.get(dispatch):
                return Child()
            child, timer = _idle[dispatch].popitem()
        timer.cancel()
        if child.process.poll() is None:
            return child
        child.kill()  # it died idle, which is not the fault of the next job


def _keep(dispatch: str | None, child: Child) -> None:
    """Let a worker wait for the next job of its dispatch."""
    with _lock:
        _wait_for_a_job(dispatch, child, time.monotonic() + _IDLE)


def _wait_for_a_job(dispatch: str | None, child: Child, until: float) -> None:
    """Look soon whether a worker is idle still, and no longer needed. The caller holds the lock."""
    timer = threading.Timer(WATCH, _end_if_idle, (dispatch, child, until))
    timer.daemon = True  # this process may end before; then its workers do as well
    _idle[dispatch][child] = timer
    timer.start()


def _end_if_idle(dispatch: str | None, child: Child, until: float) -> None:
    over = time.monotonic() > until or _ended(dispatch)
    with _lock:
        waiting = _idle.get(dispatch, {})
        if waiting.get(child) is not threading.current_thread():
            return  # it has got a job meanwhile
        if not over:
            _wait_for_a_job(dispatch, child, until)
            return
        del waiting[child]
        if not waiting:
            del _idle[dispatch]
    child.kill()


def _dispatch() -> str | None:
    """Return the id of the dispatch whose electron runs in this thread."""
    from covalent.executor.utils import get_context

    return get_context().dispatch_id


def _ended(dispatch: str | None) -> bool:
    """Return whether a dispatch has ended; no executor of Covalent's ends the processes of jobs."""
    try:
        return dispatch is not None and Dispatch(address(), dispatch).ended
    except (EngineError, LookupError):
        return False  # the server cannot be reached from here, or not now
