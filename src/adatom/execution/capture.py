"""Copy all that a job prints, logs and warns of to ``job.log`` in its run directory."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import Any, TextIO

from adatom.execution.context import current_job, job_context
from adatom.execution.directories import RunDirectory
from adatom.settings import get_settings

__all__ = ["JobLog", "capturing"]


class JobLog:
    """Log file of one job, made at the first write.

    Parameters
    ----------
    directory
        Run directory of the job, in which the file ``job.log`` is.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory

    def write(self, text: str) -> None:
        """Append text; what cannot be written is lost, and the job goes on.

        Parameters
        ----------
        text
            Text with its line ends.
        """
        try:
            # Opened for each write: the directory may move meanwhile, and a job that says much writes files itself.
            with (self._directory.open() / "job.log").open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            pass


class _Tee:
    """Standard stream that writes to the log of the job, too."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        log = current_job().log
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
        log = current_job().log
        if log is not None and record.levelno >= _level_of_job():
            log.write(self.format(record) + "\n")
        if logging.lastResort and record.levelno >= logging.lastResort.level and logging.root.handlers == [self]:
            with job_context(log=None):  # without this handler Python would have printed the record itself
                logging.lastResort.handle(record)


def _level_of_job() -> int:
    return getattr(logging, get_settings().log_level)


class _Switch:
    """Streams, log handler and warnings of this process, redirected while at least one job runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs = 0
        self._streams: tuple[Any, Any] = (None, None)
        self._tees: tuple[Any, Any] = (None, None)
        self._handler = _Handler()
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def __enter__(self) -> None:
        with self._lock:
            self._jobs += 1
            if self._jobs == 1:
                self._start()
            if _level_of_job() < logging.root.level:
                logging.root.setLevel(_level_of_job())

    def _start(self) -> None:
        if self._streams != (sys.stdout, sys.stderr):
            self._streams = sys.stdout, sys.stderr
            self._tees = _Tee(sys.stdout), _Tee(sys.stderr)
        sys.stdout, sys.stderr = self._tees
        self._show = warnings.showwarning
        warnings.showwarning = self._showwarning
        root = logging.getLogger()
        root.addHandler(self._handler)
        self._level = root.level

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._jobs -= 1
            if self._jobs:
                return
            # Restore only what is still ours: a job may have replaced a stream itself.
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
        log = current_job().log
        if log is not None:
            log.write(warnings.formatwarning(message, category, filename, lineno, line))
        with job_context(log=None):  # the warning may be printed through a tee, which must not log it again
            self._show(message, category, filename, lineno, file, line)


capturing = _Switch()
"""Context manager that copies what the job in the block prints, logs and warns of to the log of its `JobContext`."""
