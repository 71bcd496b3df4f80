"""The progress line of a flow that a script or notebook calls."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from adatom.execution.context import in_job
from adatom.execution.observer import current_observer, observed
from adatom.settings import get_settings
from adatom.utils.counts import JobCounts

__all__ = ["progress_shown"]

_PATIENCE = 1.0  # s; a flow that ends earlier shows no line
_TICK = 0.2  # s
_LOG_EVERY = 10.0  # s, where a line cannot be written over
_COLUMNS = 80  # where nothing is known
_one_line = threading.Lock()


@contextmanager
def progress_shown(title: str) -> Iterator[None]:
    """Show on the standard error how many jobs of the flow in the block run, are done and have failed.

    The setting ``progress`` decides; unset, the line is shown on a terminal. In a terminal and in a notebook one line
    is written over and over, elsewhere a new one every 10 s. Of flows that run side by side, the first has the line.

    Parameters
    ----------
    title
        Name of the flow at the beginning of the line.
    """
    shown, stream, terminal = get_settings().progress, sys.stderr, False
    with suppress(AttributeError, ValueError):  # there is none, or it is closed
        terminal = stream.isatty()
    wanted = terminal if shown is None else shown and stream is not None
    if not wanted or current_observer() or in_job() or not _one_line.acquire(blocking=False):
        yield
        return
    counts = JobCounts(title)
    notebook = type(stream).__module__.startswith("ipykernel.")
    draw = _over_and_over(counts, stream, terminal) if terminal or notebook else _each_alone(counts, stream)
    ended = threading.Event()
    thread = threading.Thread(target=_tick, args=(draw, ended), daemon=True)
    thread.start()
    try:
        with observed(counts.note):
            yield
    finally:
        ended.set()
        thread.join()
        _one_line.release()


def _tick(draw: Callable[[bool], None], ended: threading.Event) -> None:
    """Draw the line until the flow has ended, and a last time."""
    with suppress(OSError, ValueError):  # the stream is closed
        if not ended.wait(_PATIENCE):
            while not ended.wait(_TICK):
                draw(False)
            draw(True)


def _over_and_over(counts: JobCounts, stream: TextIO, terminal: bool) -> Callable[[bool], None]:
    def draw(last: bool) -> None:
        columns = os.get_terminal_size(stream.fileno()).columns if terminal else _COLUMNS
        line = counts.within((columns or _COLUMNS) - 1)  # with the last column full, some terminals begin a new line
        rest = "\x1b[K" if terminal else " " * (_COLUMNS - len(line))
        stream.write(f"\r{line}{rest}" + "\n" * last)
        stream.flush()

    return draw


def _each_alone(counts: JobCounts, stream: TextIO) -> Callable[[bool], None]:
    due = time.monotonic()

    def draw(last: bool) -> None:
        nonlocal due
        if last or time.monotonic() > due:
            stream.write(f"{counts}\n")
            stream.flush()
            due = time.monotonic() + _LOG_EVERY

    return draw
