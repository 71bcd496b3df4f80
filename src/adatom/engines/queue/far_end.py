"""Far end of an exchange between a spool on the machine of the script and its counterpart on a host.

This file is sent with each exchange, and runs there on its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from adatom.engines.queue.task_files import FOLDERS, TaskFiles
from adatom.engines.queue.worker import names, put

__all__ = ["MOST", "exchange", "read_message", "version_of", "write_message"]

MOST = 64 << 20  # bytes of files in one message, unless a single one is longer


def write_message(stream: IO[bytes], about: dict[str, Any], files: dict[str, bytes]) -> None:
    """Write a message.

    Parameters
    ----------
    stream
        Stream to write to.
    about
        Content that goes through JSON.
    files
        Contents of files, by their names.
    """
    sizes = {name: len(data) for name, data in files.items()}
    stream.write(json.dumps({**about, "files": sizes}).encode() + b"\n")
    for data in files.values():
        stream.write(data)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `write_message` wrote; an ``EOFError`` says that it is not whole.

    Parameters
    ----------
    stream
        Stream to read from.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError("the message is cut short")
    about = json.loads(line)
    files = {name: stream.read(size) for name, size in about.pop("files").items()}
    if any(len(data) != size for data, size in zip(files.values(), json.loads(line)["files"].values(), strict=True)):
        raise EOFError("the message is cut short")
    return about, files


def exchange(place: str, given: IO[bytes], printed: IO[bytes]) -> None:
    """Take tasks and wishes, and give the state of the spool and answers, which are removed once they are received.

    Parameters
    ----------
    place
        Directory of the spool on this machine, absolute or below the home with ``~/``.
    given, printed
        Streams from the other end, and to it.
    """
    spool = TaskFiles(Path(os.path.abspath(os.path.expanduser(place))))
    about, files = read_message(given)
    for folder in ("", *FOLDERS):
        os.makedirs(spool.path / folder, 0o700, exist_ok=True)
    with open(spool.path / ".exchange", "a+b") as lock:
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if about["number"] <= int(lock.read() or 0):
            raise SystemExit("a later exchange was faster")  # and may have received answers to these tasks
        lock.truncate(0)
        lock.write(b"%d" % about["number"])
        lock.flush()
        _take(spool, about["wishes"], files)
    state = {
        "place": str(spool.path),
        "python": sys.executable,
        "waiting": spool.waiting(),
        "taken": spool.taken(),
        "slots": spool.slots(),
        "code": names(spool.path / "code"),
        "ends": {name: spool.end_mark(name) for name in about["batch_jobs"]},
        "versions": {name: version_of(name) for name in about["packages"]},
    }
    answers = _answers(spool)
    lines = _lines(f"{spool.path}/results", about["journals"])  # those of a task are written before its answer
    more = len(answers) < len(spool.answered())
    write_message(printed, {**state, "more": more}, {**lines, **answers})
    if given.readline() == b"received\n":
        for name in answers:
            (spool.path / "done" / name).unlink(missing_ok=True)


def _take(spool: TaskFiles, wishes: list[list[Any]], files: dict[str, bytes]) -> None:
    for name, data in files.items():
        folder, _, task = name.rpartition("/")
        if folder != "waiting" or not spool.has(task):  # the other end may not know that the task came through before
            os.makedirs(spool.path / folder, 0o700, exist_ok=True)
            put(spool.path / name, data)
    for wish, *arguments in wishes:
        getattr(spool, wish)(*arguments)


def _answers(spool: TaskFiles) -> dict[str, bytes]:
    answers: dict[str, bytes] = {}
    size = 0
    for name in spool.answered():
        length = (spool.path / "done" / name).stat().st_size
        if answers and size + length > MOST:
            break
        answers[name] = (spool.path / "done" / name).read_bytes()
        size += length
    return answers


def _lines(results: str, journals: dict[str, dict[str, int]]) -> dict[str, bytes]:
    """Return what was added to journals, by the directory that they have at the other end, and their names."""
    found = {}
    for directory, lengths in journals.items():
        for name in names(Path(results + directory)):
            path = Path(results + directory, name)
            length = lengths.get(name, 0)
            if path.stat().st_size > length:
                with path.open("rb") as file:
                    file.seek(length)
                    found[f"{directory}/{name}"] = file.read(MOST)
    return found


def version_of(package: str) -> str:
    """Return the version of a package here; empty: it is not installed.

    Parameters
    ----------
    package
        Name of the package, or ``"python"``.
    """
    if package == "python":
        return ".".join(map(str, sys.version_info[:2]))
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
