"""The progress line of a flow."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from typing import IO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from adatom.execution.observer import observed

__all__ = ["progress"]

_TICK = 0.1  # s
_LOG_EVERY = 10.0  # s, without a terminal
_WORTH = {"skipped": 1, "waiting": 2, "running": 3, "failed": 4, "done": 5, "left": 6}  # of the parts of the line
_MANY = 100  # jobs or structures; with fewer a rate means little


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
    jobs = _Jobs(title)
    terminal = sys.stderr.isatty()
    with observed(jobs.note):
        if terminal and shown is not False:
            with _printed_to_file() as (printed, stderr), _live(jobs, printed, stderr):
                yield
        else:
            with _printed_to_stderr(), _logged(jobs) if shown else redirect_stdout(sys.stderr):
                yield


class _Jobs:
    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, name: str, event: str, count: int) -> None:
        with self._lock:
            self._counts[event] += count

    def __str__(self) -> str:
        """Return the line with all that there is to say."""
        return f"{self._title}: {', '.join(self._parts())}"

    def within(self, width: int) -> str:
        """Return the line without the parts that tell least, until it fits.

        Parameters
        ----------
        width
            Number of characters that a line of the terminal has.
        """
        parts = dict(enumerate(self._parts()))
        least = sorted(parts, key=lambda place: max(_WORTH.get(word, 0) for word in parts[place].split()))
        for place in least[:-1]:
            if len(line := f"{self._title}: {', '.join(parts.values())}") <= width:
                return line
            del parts[place]
        [last] = parts.values()
        return line if len(line := f"{self._title}: {last}") <= width else last

    def _parts(self) -> list[str]:
        with self._lock:
            seen = Counter(self._counts)
        ended = seen["done"] + seen["failed"]
        running = max(0, seen["started"] - (ended - seen["cached"]))
        waiting = max(0, seen["added"] - ended - seen["skipped"] - running)
        cached = f" ({seen['cached']} cached)" if seen["cached"] else ""
        shown = [f"{running} running", f"{seen['done']} done{cached}", f"{seen['failed']} failed"]
        shown += [f"{number} {what}" for what, number in (("waiting", waiting), ("skipped", seen["skipped"])) if number]
        took = time.monotonic() - self._start
        shown.append(str(timedelta(seconds=int(took))))
        worked = ended - seen["cached"]
        if seen["added"] >= _MANY and worked:
            shown.append(f"{worked / took:.3g}/s")
            if left := running + waiting:
                hours, seconds = divmod(int(left * took / worked), 3600)
                shown.append(f"{hours}:{seconds // 60:02d}:{seconds % 60:02d} left")
        return shown


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
def _live(jobs: _Jobs, printed: int, stderr: IO[str]) -> Iterator[None]:
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
def _logged(jobs: _Jobs) -> Iterator[None]:
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
