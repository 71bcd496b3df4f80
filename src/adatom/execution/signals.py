"""The answer of a flow to SIGTERM and to Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adatom.execution.context import in_job
from adatom.execution.deadline import request_stop, stop_requested

__all__ = ["second_ends_at_once", "stops_in_order"]

# Seconds that a job in this process has to come to the end of its step. Whoever sent SIGTERM may send SIGKILL soon.
_GRACE = 2.0


@contextmanager
def stops_in_order() -> Iterator[None]:
    """Let SIGTERM end the flow in the block as Ctrl-C does, after a job of this process has stopped at a step.

    A handler of the user's stays in place. Only the main thread can have a handler.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return
    again = threading.Timer(_GRACE, os.kill, (os.getpid(), signal.SIGTERM))
    again.daemon = True

    def terminated(number: int, frame: Any) -> None:
        first = not stop_requested()
        request_stop("this process was sent SIGTERM")
        if first and in_job():  # a job with steps stops after the current one; the next signal ends any other job
            again.start()
        else:
            raise KeyboardInterrupt("SIGTERM")

    signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    finally:
        again.cancel()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def second_ends_at_once() -> Iterator[None]:
    """Let Ctrl-C in the block, where a first one is being answered, end this process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
