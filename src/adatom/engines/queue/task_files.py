"""Files of the tasks in a spool, by their places.

This file is used on the machine of the script and, on its own, on the machine of the batch jobs.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from adatom.engines.queue.worker import closing, names, put

__all__ = ["FOLDERS", "TaskFiles", "open_number", "write_number"]

_FRESH = 1.0  # seconds for which a list of tasks is used to see that there is no task of some name
FOLDERS = ("waiting", "taken", "done", "kept", "drivers", "files")


def open_number(path: Path) -> IO[bytes]:
    """Open a file with the number of the last exchange, empty at first, to lock, read and write it.

    Parameters
    ----------
    path
        Path of the file, which is made if needed.
    """
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)


def write_number(file: IO[bytes], number: int) -> None:
    """Write the number of an exchange over the last one, which a full disk allows.

    Parameters
    ----------
    file, number
        File that `open_number` opened, and the number.
    """
    file.seek(0)
    file.write(b"%020d" % number)


class TaskFiles:
    """Files of the tasks in a spool.

    Parameters
    ----------
    path
        Directory of the spool.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: set[str] = set()  # of the tasks that there were when they were listed last
        self._listed = -_FRESH

    def waiting(self) -> list[str]:
        """Return the names of the tasks that wait."""
        return names(self.path / "waiting")

    def taken(self) -> dict[str, str]:
        """Return the names of the tasks that workers do, each with the name of its slot."""
        return {name: slot for slot in self.slots() for name in names(self.path / "taken" / slot)}

    def slots(self) -> list[str]:
        """Return the names of the slots whose workers have begun."""
        return names(self.path / "taken")

    def answered(self) -> list[str]:
        """Return the names of the tasks whose answers were not received yet."""
        return names(self.path / "done")

    def has(self, name: str) -> bool:
        """Return whether a task waits, is taken, or has an answer."""
        places = ("done", "kept", "waiting", "done")  # in this order, as a task moves meanwhile
        if any((self.path / at / name).exists() for at in places):
            return True
        if time.monotonic() > self._listed + _FRESH:  # to list all slots for each new task would take long
            self._names = {*self.waiting(), *self.taken(), *self.answered()}
            self._listed = time.monotonic()
        if name not in self._names:
            return False
        # Another process may receive the answer meanwhile.
        return name in self.taken() or any((self.path / at / name).exists() for at in ("done", "kept"))

    def take_back(self, name: str) -> None:
        """Let a task wait no longer. One that a worker has taken goes on."""
        with suppress(FileNotFoundError):
            (self.path / "waiting" / name).unlink()
            (self.path / "files" / name).unlink()

    def end(self, name: str, answer: str) -> None:
        """Let no worker do a task, which is answered for unless it has an answer by now.

        Parameters
        ----------
        name
            Name of the task.
        answer
            Signed answer, in hexadecimal digits.
        """
        if not (self.path / "done" / name).exists():
            put(self.path / "done" / name, bytes.fromhex(answer))
        (self.path / "waiting" / name).unlink(missing_ok=True)
        for path in self._taken(name):
            path.unlink(missing_ok=True)

    def put_back(self, name: str, batch_job: str) -> None:
        """Let a task that a worker of a batch job has taken wait for another worker.

        Parameters
        ----------
        name
            Name of the task.
        batch_job
            Name of the batch job, which has ended.
        """
        for path in self._taken(name):
            if path.parent.name.rpartition(".")[0] == batch_job:  # another one may have it by now
                with suppress(FileNotFoundError):  # another process was faster
                    path.rename(self.path / "waiting" / name)

    def _taken(self, name: str) -> list[Path]:
        return [path for slot in self.slots() if (path := self.path / "taken" / slot / name).exists()]

    def orphans(self, batch_job: str) -> list[str]:
        """Return the names of the tasks that the workers of a batch job took and did not answer.

        Parameters
        ----------
        batch_job
            Name of a batch job that has ended.
        """
        found = []
        for slot in (self.path / "taken").glob(f"{batch_job}.*"):
            for name in names(slot):
                if (self.path / "done" / name).exists():
                    (slot / name).unlink(missing_ok=True)
                else:
                    found.append(name)
        return found

    def end_mark(self, batch_job: str) -> str:
        """Return the exit status of a batch job whose workers have ended by themselves; empty: they have not.

        Parameters
        ----------
        batch_job
            Name of a batch job.
        """
        with suppress(OSError):
            return (self.path / f"{batch_job}.end").read_text().strip()
        return ""

    def forget(self, batch_job: str, files: bool) -> None:
        """Remove the directories of a batch job that has ended, unless there are tasks in them.

        Parameters
        ----------
        batch_job
            Name of the batch job.
        files
            Whether its script and output are removed, too.
        """
        for slot in (self.path / "taken").glob(f"{batch_job}.*"):
            closing(slot).unlink(missing_ok=True)
            with suppress(OSError):
                slot.rmdir()
        for path in self.path.glob(f"*{batch_job}*") if files else ():
            path.unlink(missing_ok=True)
