"""What a job prints, logs and warns of goes to ``job.log`` in its directory, and where it went before."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

from adatom.execution.directories import RunDirectory
from adatom.settings import get_settings

__all__ = ["captured"]

_log: ContextVar[_JobLog | None] = ContextVar("adatom_job_log", default=None)


class _JobLog:
    """Writes to a job's log file, which is made at the first write. Jobs in threads have one each."""

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory

    def write(self, text: str) -> None:
        try:
            # Opened for each write: the directory may move meanwhile, and a job that says much writes files itself.
            with (self._directory.open() / "job.log").open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            pass  # what cannot be written must not end the job


class _Tee:
    """Stands in for a standard stream while jobs run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        log = _log.get()
        if log is not None and text:
            log.write(text)
        return self._stream.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log = _log.get()
        if log is not None and record.levelno >= _level_of_job():
            log.write(self.format(record) + "\n")
        if logging.lastResort and record.levelno >= logging.lastResort.level and logging.root.handlers == [self]:
            with _not_logged():  # with no other handler Python would have printed it, and not through this one
                logging.lastResort.handle(record)


def _level_of_job() -> int:
    return getattr(logging, get_settings().log_level)


@contextmanager
def _not_logged() -> Iterator[None]:
    token = _log.set(None)
    try:
        yield
    finally:
        _log.reset(token)


class _Switch:
    """In place while at least one job runs in this process, and gone without a trace after the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs = 0
        self._handler = _Handler()
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def on(self) -> None:
        with self._lock:
            self._jobs += 1
            if self._jobs == 1:
                self._start()
            if _level_of_job() < logging.root.level:
                logging.root.setLevel(_level_of_job())

    def _start(self) -> None:
        self._streams = sys.stdout, sys.stderr
        self._tees: tuple[Any, Any] = (_Tee(sys.stdout), _Tee(sys.stderr))
        sys.stdout, sys.stderr = self._tees
        self._show = warnings.showwarning
        warnings.showwarning = self._showwarning
        root = logging.getLogger()
        root.addHandler(self._handler)
        self._level = root.level

    def off(self) -> None:
        with self._lock:
            self._jobs -= 1
            if self._jobs:
                return
            # Only what is still ours: a job may have replaced a stream itself.
            if sys.stdout is self._tees[0]:
                sys.stdout = self._streams[0]
            if sys.stderr is self._tees[1]:
                sys.stderr = self._streams[1]
            if warnings.showwarning == self._showwarning:
                warnings.showwarning = self._show
            root = logging.getLogger()
            root.removeHandler(self._handler)
            if root.level != self._level:
                root.setLevel(self._level)

    def _showwarning(
        self, message: Any, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None
    ) -> None:
        log = _log.get()
        if log is not None:
            log.write(warnings.formatwarning(message, category, filename, lineno, line))
        with _not_logged():  # where it is printed, that goes through a tee
            self._show(message, category, filename, lineno, file, line)


_switch = _Switch()


@contextmanager
def captured(directory: RunDirectory) -> Iterator[None]:
    """Keep what the job in the block says.

    Parameters
    ----------
    directory
        The job's directory; it is made when the job says something.
    """
    token = _log.set(_JobLog(directory))
    _switch.on()
    try:
        yield
    finally:
        _switch.off()
        _log.reset(token)
