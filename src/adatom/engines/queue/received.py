"""Answers and files that a host sends in an exchange, written to their places on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from adatom.engines.queue import far_end, worker
from adatom.engines.queue.run_files import RunFiles
from adatom.utils.private import make_directory

__all__ = ["Received", "check_names"]

_LEFT = "not-copied.txt"  # in the directory of a job: the files that are too large to be copied, and where they are


class Received:
    """Answers, lines of journals and files of jobs that a host sends.

    The host is not trusted with names of files on this machine: each is one that this machine has asked for.

    Parameters
    ----------
    path
        Directory of the spool on this machine.

    Attributes
    ----------
    journals
        Bytes that are here of each journal to follow, by directory and name.
    partly
        Bytes that are here of files of jobs whose answer is not here yet, by task and path.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journals: dict[str, dict[str, int]] = {}
        self.partly: dict[str, dict[str, int]] = {}
        self._left: dict[Path, list[str]] = {}

    def keep(self, host: str, parts: list[far_end.Part], files: dict[str, bytes]) -> set[str]:
        """Write what a host has sent, and return the names of the tasks with answers.

        Parameters
        ----------
        host
            Name of the host.
        parts
            Kind of each part, with its names and numbers.
        files
            Contents of the parts, by their numbers.

        Raises
        ------
        ValueError
            A name is not one that was asked for.
        """
        answers = set()
        for number, part in enumerate(parts):
            data = files[str(number)]
            match part:
                case [far_end.JOURNAL, directory, name]:
                    self._add_lines(directory, name, data)
                case [far_end.FILE, name, path, first, size]:
                    self._add_piece(name, path, first, size, data)
                case [far_end.LEFT, name, path, there, size]:
                    if final := self._final(name, path):
                        note = final.with_name(_LEFT)
                        self._left.setdefault(note, []).append(f"{host}:{there}  {size} bytes\n")
                case [far_end.ANSWER, name]:
                    self._answer(name, data)
                    answers.add(name)
                case _:
                    raise ValueError(f"{part!r} is no part of a reply")
        for file, lines in self._left.items():
            file.write_text("".join(lines))
        self._left.clear()
        return answers

    def _answer(self, name: str, data: bytes) -> None:
        check_names([name])
        if not (self.path / "kept" / name).exists():  # else it has been here before
            worker.put(self.path / "done" / name, data)
        (self.path / "files" / name).unlink(missing_ok=True)
        self.partly.pop(name, None)

    def _add_lines(self, directory: str, name: str, data: bytes) -> None:
        """Append to a journal here what was added to it there."""
        if directory not in self.journals or not _is_name(name):
            raise ValueError(f"{directory + '/' + name!r} is no journal of this script")
        make_directory(directory)
        lengths = self.journals[directory]
        _write(Path(directory, name), lengths.get(name, 0), data, 0o600)
        lengths[name] = lengths.get(name, 0) + len(data)

    def _add_piece(self, name: str, path: str, first: int, size: int, data: bytes) -> None:
        """Write a piece of a file, which takes its name when it is whole."""
        if final := self._final(name, path):
            part = final.with_name(f".{final.name}.part")
            _write(part, first, data)
            if first + len(data) == size:
                part.rename(final)
        self.partly.setdefault(name, {})[path] = first + len(data)

    def _final(self, name: str, path: str) -> Path | None:
        """Return the path of a file of a job, whose directory is made; None: the job has been answered before."""
        check_names([name])
        asked = self.path / "files" / name
        if not asked.exists():  # the host does not know that its last words were heard
            return None
        if not RunFiles.read(asked).have(path):
            raise ValueError(f"{path!r} is no file of the job {name}")
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        return final


def _write(path: Path, first: int, data: bytes, mode: int = 0o666) -> None:
    """Write bytes behind those that a file has already."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "wb") as file:
        file.seek(first)
        file.write(data)
        file.truncate()


def _is_name(name: str) -> bool:
    """Return whether a text is the name of a file that is not hidden, without a directory."""
    return Path(name).name == name and not name.startswith(".")


def check_names(names: list[str]) -> None:
    """Refuse what is no name of a file: the host is not trusted with files here.

    Parameters
    ----------
    names
        Names that the host has sent.

    Raises
    ------
    ValueError
        One is no name of a file.
    """
    for name in names:
        if not _is_name(name):
            raise ValueError(f"{name!r} is no name of a task")
