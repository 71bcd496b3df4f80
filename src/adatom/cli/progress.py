"""The progress line of a flow."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import IO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from adatom.execution.observer import observed
from adatom.utils.counts import JobCounts

__all__ = ["progress"]

_TICK = 0.1  # s
_LOG_EVERY = 10.0  # s, without a terminal


@contextmanager
def progress(title: str, shown: bool | None = None) -> Iterator[None]:
    """Count on the standard error the jobs of the flow in the block that run, are done and have failed.

    The standard output stays free for results: text that jobs, engines and their workers print there goes to the
    standard error too, above the line of the counts.

    Parameters
    ----------
    title
        Name of the flow at the beginning of the line.
    shown
        True prints the counts, False does not; None prints them if the standard error is a terminal.
    """
    jobs = JobCounts(title)
    terminal = sys.stderr.isatty()
    with observed(jobs.note):
        if terminal and shown is not False:
            with _printed_to_file() as (printed, stderr), _live(jobs, printed, stderr):
                yield
        else:
            with _printed_to_stderr(), _logged(jobs) if shown else redirect_stdout(sys.stderr):
                yield


@contextmanager
def _printed_to_stderr() -> Iterator[None]:
    """Lead the standard output to the standard error, also in processes that are started in the block."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def _printed_to_file() -> Iterator[tuple[int, IO[str]]]:
    """Lead both standard streams to a file, also in processes that are started in the block.

    Otherwise their text would stand in the middle of the progress line. A file, unlike a pipe, never blocks the
    processes that write to it.

    Yields
    ------
    tuple
        Descriptor of the file, and a stream to the former standard error.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file, os.fdopen(kept[1], "w") as stderr:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield file.fileno(), stderr
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            os.close(kept[0])


@contextmanager
def _live(jobs: JobCounts, printed: int, stderr: IO[str]) -> Iterator[None]:
    """Keep the progress line up to date, and show the text of the streams above it."""
    console = Console(file=stderr, highlight=False)
    live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    position = 0

    def update(last: bool) -> None:
        nonlocal position
        # All processes that write to the file share its position, so reading must not move it.
        data = os.pread(printed, 1 << 24, position)
        lines = data if last else data[: data.rfind(b"\n") + 1]
        position += len(lines)
        if lines:
            console.print(Text.from_ansi(lines.decode(errors="replace").rstrip("\n")), soft_wrap=True)
        live.update(Text(jobs.within(console.width), no_wrap=True, overflow="ellipsis"), refresh=True)

    with live, _ticking(update):
        yield


@contextmanager
def _logged(jobs: JobCounts) -> Iterator[None]:
    """Print the progress line every 10 s, and at the end."""
    due = time.monotonic() + _LOG_EVERY

    def update(last: bool) -> None:
        nonlocal due
        if last or time.monotonic() > due:
            print(jobs, file=sys.stderr, flush=True)
            due = time.monotonic() + _LOG_EVERY

    with redirect_stdout(sys.stderr), _ticking(update):
        yield


@contextmanager
def _ticking(update: Callable[[bool], None]) -> Iterator[None]:
    """Call a function every 0.1 s in a thread, and a last time, with True, after the block."""
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(_TICK):
            update(False)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        ended.set()
        thread.join()
        update(True)
