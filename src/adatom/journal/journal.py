"""The journal: what happened to each job, written when it happens.

Each process writes a file of its own, line by line, so that there is nothing to lock, on no file system. A line is on
its way to the disk when the call that writes it returns: the end of the process, however it comes, loses nothing.
`journal.jobs` puts the lines of all files together.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _text

from adatom.utils.names import stamp, unique_name
from adatom.utils.processes import this_process

__all__ = ["JOURNAL", "Journal", "fields", "journal_in"]

JOURNAL = ".journal"


class Journal:
    """What one process writes of jobs whose files are in one directory.

    Parameters
    ----------
    directory
        Where journals are: `JOURNAL` in ``results_dir``.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._descriptor: int | None = None
        self._works = True

    def record(self, job: str, state: str, also: str = "", /, **more: str | int) -> None:
        """Write what became of a job. Where that cannot be, there is one warning, and jobs run on.

        Parameters
        ----------
        job
            Its id.
        state
            One of `journal.jobs.STATES`.
        also
            What `fields` made of what is the same for many jobs.
        **more
            What else is known, as text or integers; what is empty or 0 is left out.
        """
        line = f'{{"id": "{job}", "state": "{state}", "time": {time.time()!r}{fields(more)}{also}}}\n'
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            os.write(self._descriptor, line.encode())
        except OSError as error:
            if self._works:
                self._works = False
                why = error.strerror or error
                warnings.warn(f"No journal in {self.directory}: {why}. Jobs run without it.", stacklevel=2)

    def _open(self) -> int:
        process = this_process()
        os.makedirs(self.directory, exist_ok=True)
        name = f"{unique_name(stamp(), process.host, str(process.pid))}.jsonl"
        descriptor = os.open(os.path.join(self.directory, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(descriptor, json.dumps({"process": process, "time": time.time()}).encode() + b"\n")
        return descriptor


def fields(known: Mapping[str, str | int]) -> str:
    """A part of a line; made here, as `json.dumps` takes twice as long for a short job's line.

    Parameters
    ----------
    known
        Text and integers by name; what is empty or 0 is left out.
    """
    return "".join([f', "{key}": {_text(item) if type(item) is str else item}' for key, item in known.items() if item])


def journal_in(directory: str) -> Journal:
    """This process's journal.

    Parameters
    ----------
    directory
        As in `Journal`.
    """
    return _journal(directory, os.getpid())


@lru_cache(maxsize=64)
def _journal(directory: str, pid: int) -> Journal:
    return Journal(directory)
