"""Marks of the processes that wait for tasks of a spool."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from adatom.utils.names import new_id
from adatom.utils.processes import Process, this_process

__all__ = ["Mark", "marks"]


class Mark:
    """File that says which tasks a process uses, so that others with the same work leave their answers to it.

    Parameters
    ----------
    folder
        Directory for the marks of all processes that use a spool.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{this_process().host}-{this_process().pid}-{new_id()[:8]}"
        self._path.write_text(json.dumps(this_process()) + "\n")

    def use(self, name: str) -> None:
        """Say that this process uses a task.

        Parameters
        ----------
        name
            Name of the task.
        """
        self._add(f"+{name}\n")

    def release(self, names: set[str]) -> set[str]:
        """Say that this process uses some tasks no more, and return the names of those that no other process uses.

        Parameters
        ----------
        names
            Names of the tasks.
        """
        with suppress(OSError):  # a disk that is full, or the mark has been removed
            self._add("".join(f"-{name}\n" for name in names))
        return names - {name for _, used in self._others() for name in used}

    def remove(self) -> None:
        """Remove the mark."""
        self._path.unlink(missing_ok=True)

    @property
    def is_alone(self) -> bool:
        """True if there is no mark of another process."""
        return len(os.listdir(self._path.parent)) < 2

    def others(self) -> list[Process]:
        """Return the other processes that live, and remove the marks of those that do not."""
        return [process for process, _ in self._others()]

    def _others(self) -> Iterator[tuple[Process, set[str]]]:
        for path, process, used in marks(self._path.parent):
            if process.is_gone:
                path.unlink(missing_ok=True)
            elif path != self._path:
                yield process, used

    def _add(self, lines: str) -> None:
        with self._path.open("r+") as file:  # closed each time, so that other machines see it
            file.seek(0, os.SEEK_END)
            file.write(lines)


def marks(folder: Path) -> Iterator[tuple[Path, Process, set[str]]]:
    """Yield the marks in a directory, each with its process and the names of the tasks that it uses.

    Parameters
    ----------
    folder
        Directory of the marks.
    """
    for path in sorted(folder.glob("*")):
        used: set[str] = set()
        try:
            first, *lines = path.read_text().splitlines()
            process = Process(*json.loads(first))
        except (OSError, ValueError, TypeError):
            continue
        for line in lines:
            (used.add if line[0] == "+" else used.discard)(line[1:])
        yield path, process, used
