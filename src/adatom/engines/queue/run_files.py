"""Files of jobs on the machine of the batch jobs, which are copied to the machine of the script with the answers.

This file is used on the machine of the script and, on its own, on the machine of the batch jobs.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

__all__ = ["Found", "RunFiles"]

# Other names that the directory of a run may have: that of a run that lasts or failed, of a later attempt.
_NAME = re.compile(r"(?:running-|failed-)?(?P<of>.*?)(?:-try\d+|-again)*")


class Found(NamedTuple):
    """File of a job: its path on the machine of the script, and its path and size where it is."""

    path: str
    there: str
    size: int


class RunFiles:
    """Files of the jobs of one task.

    Parameters
    ----------
    directories
        Final paths of the run directories on the machine of the script.
    names
        Patterns of the names of the files to copy.
    limit
        Size of the largest file to copy, in bytes.
    """

    def __init__(self, directories: Sequence[str], names: Sequence[str], limit: int) -> None:
        self.directories, self.names, self.limit = list(directories), list(names), limit

    @classmethod
    def read(cls, path: Path) -> RunFiles:
        """Return what `packed` was written to a file; without a file, there are no files to copy."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return cls((), (), 0)

    @property
    def packed(self) -> bytes:
        """Content of a file from which `read` makes the same object."""
        return json.dumps(vars(self)).encode()

    def find(self, results: str, listed: dict[str, Mapping[str, Sequence[str]]]) -> Iterator[Found]:
        """Yield the files to copy, and those that are too large.

        Parameters
        ----------
        results
            Directory of this machine in which each run directory has the path that it has on the other one.
        listed
            Directories that were listed before, which is done once for all tasks.
        """
        for directory in self.directories:
            parent, _, name = directory.rpartition("/")
            if parent not in listed:
                listed[parent] = _listed(results + parent)
            for entry in listed[parent].get(name, ()):
                for folder, _, files in os.walk(f"{results}{parent}/{entry}"):
                    for file in sorted(files):
                        there = f"{folder}/{file}"
                        if any(fnmatchcase(file, pattern) for pattern in self.names) and not os.path.islink(there):
                            yield Found(there[len(results) :], there, os.path.getsize(there))

    def have(self, path: str) -> bool:
        """Return whether a path on the machine of the script is that of a file of the jobs.

        Parameters
        ----------
        path
            Path that the other machine has sent, which may be any text.
        """
        if os.path.normpath(path) != path:
            return False
        for directory in self.directories:
            parent, _, name = directory.rpartition("/")
            entry, _, inside = path.removeprefix(f"{parent}/").partition("/")
            if path.startswith(f"{parent}/") and inside and _run_of(entry) == name:
                return True
        return False


def _listed(parent: str) -> Mapping[str, Sequence[str]]:
    """Return the names of directories by the run that they are of."""
    found = defaultdict(list)
    try:
        with os.scandir(parent) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found[_run_of(entry.name)].append(entry.name)
    except FileNotFoundError:
        pass
    return found


def _run_of(entry: str) -> str:
    match = _NAME.fullmatch(entry)
    return match["of"] if match else entry
