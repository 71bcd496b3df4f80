"""Far end of an exchange between a spool on the machine of the script and its counterpart on a host.

This file is sent with each exchange, and runs there on its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from adatom.engines.queue.run_files import RunFiles
from adatom.engines.queue.task_files import FOLDERS, TaskFiles, open_number, write_number
from adatom.engines.queue.worker import NO_ROOM, names, put

__all__ = ["INPUTS", "MOST", "Part", "exchange", "read_message", "version_of", "write_message"]

# Kind of a part of the reply, with: the name of the task; directory and name of the journal; name of the task, path,
# first byte and size of the file; name of the task, path of the file that is too large, its path there, and its size.
Part = list[Any]
ANSWER, JOURNAL, FILE, LEFT = "answer", "journal", "file", "left"

INPUTS = "inputs.json"  # size and time of each input file that is there
_DIGEST = 16  # bytes at the end of a message
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
    line = json.dumps({**about, "files": sizes}).encode() + b"\n"
    for data in (_digest(line), line, *files.values(), _digest(*files.values())):
        stream.write(data)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `write_message` wrote; an ``EOFError`` says that it is not whole, or not as it was sent.

    Parameters
    ----------
    stream
        Stream to read from.
    """
    digest, line = stream.read(_DIGEST), stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError("the message is cut short")
    if digest != _digest(line):
        raise EOFError("the message is damaged")
    about = json.loads(line)
    files = {name: stream.read(size) for name, size in about.pop("files").items()}
    if any(len(data) != size for data, size in zip(files.values(), json.loads(line)["files"].values(), strict=True)):
        raise EOFError("the message is cut short")
    if stream.read(_DIGEST) != _digest(*files.values()):
        raise EOFError("the message is damaged")
    return about, files


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        digest.update(part)
    return digest.digest()


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
    refused = ""
    try:
        _begin(spool, about, files)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        refused = f"{error.strerror} in {spool.path}"  # answers may go, which makes room
    sys.path += about["path"]
    state = {
        "refused": refused,
        "place": str(spool.path),
        "python": sys.executable,
        "waiting": spool.waiting(),
        "taken": spool.taken(),
        "slots": spool.slots(),
        "code": names(spool.path / "code"),
        "inputs": _read(spool.path / INPUTS),
        "ends": {name: spool.end_mark(name) for name in about["batch_jobs"]},
        "versions": {name: version_of(name) for name in about["packages"]},
        "modules": {name: _is_there(name) for name in about["modules"]},
    }
    ended = _Ended(spool, about["partly"])
    lines = _lines(ended.results, about["journals"])  # those of a task are written before its answer
    reply = [*lines, *ended.reply]
    more = len(ended.names) < len(spool.answered())
    write_message(
        printed,
        {**state, "more": more, "parts": [part for part, _ in reply]},
        {str(number): data for number, (_, data) in enumerate(reply)},
    )
    if given.readline() == b"received\n":
        for name in ended.names:
            (spool.path / "files" / name).unlink(missing_ok=True)
            (spool.path / "done" / name).unlink(missing_ok=True)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _begin(spool: TaskFiles, about: dict[str, Any], files: dict[str, bytes]) -> None:
    for folder in ("", *FOLDERS):
        os.makedirs(spool.path / folder, 0o700, exist_ok=True)
    with open_number(spool.path / ".exchange") as lock:
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if about["number"] <= int(lock.read() or 0):
            raise SystemExit("a later exchange was faster")  # and may have received answers to these tasks
        write_number(lock, about["number"])
        _take(spool, about["wishes"], files)


def _take(spool: TaskFiles, wishes: list[list[Any]], files: dict[str, bytes]) -> None:
    for name, data in files.items():
        folder, _, task = name.rpartition("/")
        if folder != "waiting" or not spool.has(task):  # the other end may not know that the task came through before
            os.makedirs(spool.path / folder, 0o700, exist_ok=True)
            put(spool.path / name, data)
    for wish, *arguments in wishes:
        getattr(spool, wish)(*arguments)


class _Ended:
    """The answers, and the files of their jobs, that one message has room for. An answer comes behind the files."""

    def __init__(self, spool: TaskFiles, partly: dict[str, dict[str, int]]) -> None:
        self.spool, self.partly, self.results = spool, partly, f"{spool.path}/results"
        self.reply: list[tuple[Part, bytes]] = []
        self.names: list[str] = []  # of the tasks whose answers are in the reply
        self._room = MOST
        self._listed: dict[str, Any] = {}
        for name in spool.answered():
            if not self._add(name):
                break

    def _add(self, name: str) -> bool:
        """Add the files of a task and its answer, and return whether there was room for all of it."""
        files = RunFiles.read(self.spool.path / "files" / name)
        left = []
        for path, there, size in files.find(self.results, self._listed):
            if size > files.limit or not os.access(there, os.R_OK):
                left.append(([LEFT, name, path, there, size], b""))
            elif not self._add_file(name, path, there, size):
                return False
        answer = (self.spool.path / "done" / name).read_bytes()
        if self.names and len(answer) > self._room:
            return False
        self.reply += [*left, ([ANSWER, name], answer)]
        self.names.append(name)
        self._room -= len(answer)
        return True

    def _add_file(self, name: str, path: str, there: str, size: int) -> bool:
        first = self.partly.get(name, {}).get(path, -1)  # the other end has the bytes before this one
        if first >= size:
            return True
        if self._room <= 0:
            return False
        first = max(first, 0)
        with open(there, "rb") as file:
            file.seek(first)
            data = file.read(min(size - first, self._room))
        self.reply.append(([FILE, name, path, first, size], data))
        self._room -= len(data)
        return first + len(data) == size


def _lines(results: str, journals: dict[str, dict[str, int]]) -> list[tuple[Part, bytes]]:
    """Return what was added to journals."""
    found = []
    for directory, lengths in journals.items():
        for name in names(Path(results + directory)):
            path = Path(results + directory, name)
            length = lengths.get(name, 0)
            if path.stat().st_size > length:
                with path.open("rb") as file:
                    file.seek(length)
                    found.append(([JOURNAL, directory, name], file.read(MOST)))
    return found


def _is_there(name: str) -> bool:
    """Return whether there is a module or a package of a name."""
    try:
        return find_spec(name) is not None or bool(version_of(name))
    except ValueError:  # it is imported, and was made by hand
        return True


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
