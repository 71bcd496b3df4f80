"""Journal: the states of each job, written when they change.

Each process writes a file of its own, line by line, so that nothing needs a lock on any file system. The operating
system has a line when the call that writes it returns: the end of the process, however sudden, loses nothing.
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

from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name
from adatom.utils.private import make_directory, open_file
from adatom.utils.processes import this_process
from adatom.utils.sealed import sealed
from adatom.utils.trust import group_id

__all__ = ["JOURNAL", "Journal", "fields", "journal_in"]

JOURNAL = ".journal"


class Journal:
    """File of one process with the states of jobs whose run directories are in one directory.

    Parameters
    ----------
    directory
        Directory of the journals: `JOURNAL` in ``results_dir``. The first record makes it.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._descriptor: int | None = None
        self._works = True

    def record(self, job: str, state: str, also: str = "", /, **more: str | int) -> None:
        """Write the state of a job. A journal that cannot be written gives one warning, and jobs run on.

        Parameters
        ----------
        job
            Id of the job.
        state
            New state of the job, one of `journal.jobs.STATES`.
        also
            Further fields that many jobs share, as text that `fields` returned.
        **more
            Further fields by name, text or integers. Empty text and 0 are left out.
        """
        line = f'{{"id": "{job}", "state": "{state}", "time": {time.time()!r}{fields(more)}{also}}}'
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            os.write(self._descriptor, sealed(line))
        except OSError as error:
            if self._works:
                self._works = False
                why = error.strerror or error
                warnings.warn(f"No journal in {self.directory}: {why}. Jobs run without it.", stacklevel=2)

    def _open(self) -> int:
        process, gid = this_process(), group_id(get_settings().cache_group)
        make_directory(self.directory, gid)
        name = f"{unique_name(stamp(), process.host, str(process.pid))}.jsonl"
        descriptor = open_file(os.path.join(self.directory, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, gid)
        os.write(descriptor, sealed(json.dumps({"process": process, "time": time.time()})))
        return descriptor


def fields(known: Mapping[str, str | int]) -> str:
    """Return fields as part of a line of JSON. `json.dumps` takes twice as long for the line of a short job.

    Parameters
    ----------
    known
        Text and integers by name. Empty text and 0 are left out.
    """
    line = ""
    for key, item in known.items():
        if item:
            line += f', "{key}": {_text(item) if type(item) is str else item}'
    return line


def journal_in(directory: str) -> Journal:
    """Return the journal of this process.

    Parameters
    ----------
    directory
        Directory of the journals: `JOURNAL` in ``results_dir``.
    """
    return _journal(directory, os.getpid())


@lru_cache(maxsize=64)
def _journal(directory: str, pid: int) -> Journal:
    return Journal(directory)
