"""Spool whose workers are on a host that one logs in to with ``ssh``."""

from __future__ import annotations

import fcntl
import json
import math
import threading
import time
from collections.abc import Sequence, Set
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from adatom.engines.queue import far_end, task_files, worker
from adatom.engines.queue.exchange import exchange_with
from adatom.engines.queue.far_python import FarPython
from adatom.engines.queue.input_files import InputFiles
from adatom.engines.queue.received import Received, check_names
from adatom.engines.queue.run_files import RunFiles
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.user_code import user_code
from adatom.errors import SchedulerError, StorageError
from adatom.execution.registry import announce
from adatom.machines.host import Host
from adatom.utils.files import whole_file
from adatom.utils.private import make_directory

__all__ = ["FAR", "FarSpool"]

FAR = "far.json"  # file that says where the counterpart is
_THERE = "there.json"  # file with the state of the counterpart at the last exchange

_PAUSES = (0.3, 10.0, 1.4)  # seconds between two exchanges: first, at most; their growth
_AFTER_A_FAILURE = 5.0  # seconds; twice as long after each further one, up to a minute
_PATIENCE = 600.0  # seconds for which a host may not answer


class FarSpool(Spool):
    """Spool with a counterpart on a host, where the workers are.

    Tasks wait here until an exchange has put them there, and answers are here once an exchange has brought them. An
    exchange is one command over the shared connection, for any number of tasks. One that was cut is made again, and
    puts no task there twice.

    Parameters
    ----------
    path
        Directory of the spool on this machine.
    host
        Host to log in to.
    place
        Directory of the counterpart on the host, absolute or below its home with ``~/``, without an end that makes it
        unique.
    python
        Interpreter of the workers there.
    output_files, output_limit
        Patterns of the names of files of jobs to copy here, and the size of the largest one, in bytes.
    input_files
        Files and directories to copy there.
    poll_interval
        Least time between two exchanges that nobody waits for, in s.

    Attributes
    ----------
    far_python
        Interpreter of the workers there.

    Raises
    ------
    StorageError
        The directory cannot be made.
    InputError
        An input file does not exist.
    """

    def __init__(
        self,
        path: Path,
        host: Host,
        place: str,
        python: str,
        output_files: Sequence[str],
        output_limit: int,
        input_files: Sequence[str] = (),
        poll_interval: float = 0.0,
    ) -> None:
        super().__init__(path)
        self.host: Host = host
        self.far_python = FarPython(python, f"{host}")
        # Other users of the account have others.
        self._given = f"{place}-{blake2b(self.key, digest_size=4).hexdigest()}"
        self._output = output_files, output_limit
        self._input = InputFiles(input_files)
        self._wishes: list[list[Any]] = []
        self._files: dict[str, bytes] = {}
        self._batch_jobs: set[str] = set()
        self._packed: set[str] = set()  # archives of the user's modules that are in the directory here
        self._received = Received(path)
        self._there: dict[str, Any] = {"waiting": [], "taken": {}, "slots": [], "ends": {}, "code": [], "inputs": None}
        with suppress(OSError, ValueError):
            self._there |= json.loads((path / _THERE).read_bytes())  # also from another process
        self._lock = threading.RLock()
        self._pause, self._next = _PAUSES[0], 0.0
        self._interval, self._last = poll_interval, -math.inf
        self._heard: float | None = None
        with self.room():
            make_directory(path / "code")
            with whole_file(path / FAR, 0o600) as file:
                file.write(json.dumps([host.name, place, python, list(output_files), output_limit]).encode())

    @property
    def place(self) -> Path:
        """Absolute path of the counterpart, which the first exchange tells."""
        self.first_exchange()
        return Path(self._there["place"])

    @property
    def known_place(self) -> Path | None:
        """Absolute path of the counterpart. None: there was no exchange yet."""
        return Path(self._there["place"]) if "place" in self._there else None

    @property
    def python(self) -> str:
        """Interpreter of the workers there."""
        self.first_exchange()
        return str(self._there["python"])

    def waiting(self) -> list[str]:
        """Return the names of the tasks that wait here or there."""
        return sorted({*super().waiting(), *self._there["waiting"]} - {*self.answered()})

    def taken(self) -> dict[str, str]:
        """Return the names of the tasks that workers did at the last exchange, each with the name of its slot."""
        answered = {*self.answered()}
        return {name: slot for name, slot in self._there["taken"].items() if name not in answered}

    def slots(self) -> list[str]:
        """Return the names of the slots whose workers had begun at the last exchange."""
        return list(self._there["slots"])

    def has(self, name: str) -> bool:
        """Return whether a task waits or has an answer here, or was there at the last exchange."""
        self.first_exchange()
        return super().has(name) or name in self._there["waiting"]

    def put(self, name: str, task: bytes, directories: Sequence[str] = ()) -> None:
        """Let a task wait for the next exchange.

        Parameters
        ----------
        name, task, directories
            Same as in `Spool.put`.
        """
        worker.put(self.path / "files" / name, RunFiles(directories, *self._output).packed)
        super().put(name, task)
        self._soon()

    def take_back(self, name: str) -> None:
        """Let a task wait no longer, here or there."""
        super().take_back(name)
        self._wish("take_back", name)
        self._there["waiting"] = [other for other in self._there["waiting"] if other != name]

    def end(self, name: str, answer: str) -> None:
        """Let no worker do a task, which is answered for, here or there: from there the files of its jobs come, too.

        Parameters
        ----------
        name, answer
            Same as in `TaskFiles.end`.
        """
        if (self.path / "waiting" / name).exists():
            super().end(name, answer)
        else:
            self._wish("end", name, answer)

    def put_back(self, name: str, batch_job: str) -> None:
        """Let a task that a worker of a batch job has taken wait for another worker.

        Parameters
        ----------
        name, batch_job
            Same as in `TaskFiles.put_back`.
        """
        self._wish("put_back", name, batch_job)
        if self._there["taken"].pop(name, None):
            self._there["waiting"].append(name)

    def orphans(self, batch_job: str) -> list[str]:
        """Return the names of the tasks that the workers of a batch job took and did not answer.

        Parameters
        ----------
        batch_job
            Name of a batch job that has ended.
        """
        self.exchange()  # the workers have put answers there since the last one
        return [name for name, slot in self.taken().items() if slot.rpartition(".")[0] == batch_job]

    def end_mark(self, batch_job: str) -> str:
        """Return the exit status of a batch job whose workers had ended by themselves at the last exchange.

        Parameters
        ----------
        batch_job
            Name of a batch job.
        """
        self._batch_jobs.add(batch_job)
        return str(self._there["ends"].get(batch_job, ""))

    def forget(self, batch_job: str, files: bool) -> None:
        """Remove the directories, and the script and output, of a batch job here and there.

        Parameters
        ----------
        batch_job, files
            Same as in `TaskFiles.forget`.
        """
        super().forget(batch_job, files)
        self._batch_jobs.discard(batch_job)
        self._wish("forget", batch_job, files)

    def check_modules(self, name: str, modules: Set[str]) -> None:
        """Refuse a job that imports modules which the Python there does not find. New ones take an exchange.

        Parameters
        ----------
        name, modules
            Same as in `Spool.check_modules`.

        Raises
        ------
        InputError
            A module is not there.
        SchedulerError
            The host does not answer, and has never done so.
        """
        if self.far_python.unknown(modules):  # else it must not wait for an exchange that goes on
            with self._lock:
                self.far_python.asked = self.far_python.unknown(modules)
                with suppress(*(() if self._heard is None else (SchedulerError,))):
                    self.exchange()
                unknown = self.far_python.unknown(modules)  # where the host does not answer, the job will find out
                self.far_python.learn({}, dict.fromkeys(unknown, True))
        self.far_python.check(name, modules)

    def follow(self, journals: Set[str]) -> None:
        """Let each exchange bring what workers have added to journals.

        Parameters
        ----------
        journals
            Same as in `Spool.follow`.
        """
        for directory in journals - self._received.journals.keys():
            self._received.journals[directory] = {}

    def script(self, name: str, text: bytes) -> Path:
        """Write a script there, and return its path.

        Parameters
        ----------
        name, text
            Name of the file, and its content.
        """
        with self._lock:
            self._files[name] = text
            self.exchange()
        return self.place / name

    def search_path(self) -> list[str]:
        """Return an archive with the source of the user's modules, which goes there with the next exchange."""
        name, archive = user_code()
        if name not in self._packed:
            worker.put(self.path / "code" / name, archive)  # this process may end before it is sent
            self._packed.add(name)
        return [f"{self.place}/code/{name}"]

    @property
    def results(self) -> str:
        """Directory there for the files of jobs, below which each has the path that it would have here."""
        return f"{self.place}/results"

    def _wish(self, *wish: Any) -> None:
        with self._lock:
            self._wishes.append([*wish])
        self._soon()

    def _soon(self) -> None:
        self._pause = _PAUSES[0]
        self._next = min(self._next, time.monotonic() + self._pause)

    def sync(self, at_once: bool = False) -> None:
        """Make an exchange if one is due. One that fails, or finds a disk full, is made again for ten minutes.

        Parameters
        ----------
        at_once
            Whether an exchange is due as soon as there is something to put there.

        Raises
        ------
        SchedulerError
            The host has not answered for ten minutes, or has no room.
        StorageError
            The disk is full here.
        """
        now = time.monotonic()
        if now < self._last + self._interval:
            return
        if now < self._next and not (at_once and (self._wishes or super().waiting())):
            return
        try:
            self.exchange()
        except (SchedulerError, StorageError) as error:
            if self._heard is None or now > self._heard + _PATIENCE:
                raise
            announce(f"queue: {error}\nIt is tried again for {_PATIENCE / 60:.0f} minutes.")
            self._next = time.monotonic() + min(60.0, max(_AFTER_A_FAILURE, now - self._heard))

    def first_exchange(self) -> None:
        """Make an exchange unless there was one.

        Raises
        ------
        SchedulerError
            The host does not answer, or has no Python that can read tasks.
        """
        if self._heard is None:
            with self._lock:
                if self._heard is None:
                    self.exchange()

    def exchange(self) -> None:
        """Put tasks there, and receive the state of the counterpart and answers.

        Raises
        ------
        SchedulerError
            The host does not answer, or its disk is full.
        StorageError
            The disk is full here.
        """
        with self._lock, self.room(), task_files.open_number(self.path / ".exchange") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # against other processes
            number, more = int(lock.read() or 0), True
            while more:
                number += 1
                task_files.write_number(lock, number)
                more = self._exchange(number)
            self._last = time.monotonic()
            self._next = self._last + self._pause
            self._pause = min(_PAUSES[1], self._pause * _PAUSES[2])

    def _exchange(self, number: int) -> bool:
        first = self._heard is None
        wishes, sources = self._wishes, dict(self._files)
        tasks, more = self._tasks()
        if self._input and first:  # no task is there before its input files, of which this exchange tells
            tasks, more = {}, True
        elif self._input and tasks:
            sources |= self._input.changed(self._there["inputs"] or {})
        for name in worker.names(self.path / "code"):
            if first or name not in self._there["code"]:
                sources[f"code/{name}"] = (self.path / "code" / name).read_bytes()
        own = {name: (self.path / name).read_bytes() for name in ("key", "worker.py")} if first else {}
        about = {
            "number": number,
            "wishes": wishes,
            "batch_jobs": sorted(self._batch_jobs),
            "journals": self._received.journals,
            "partly": self._received.partly,
            **self.far_python.question,
            "path": super().search_path() if self.far_python.asked else [],  # workers use what is there of it, too
        }

        there: dict[str, Any] = {}
        answers: set[str] = set()

        def keep(reply: dict[str, Any], content: dict[str, bytes]) -> None:
            check_names([*reply["waiting"], *reply["taken"], *reply["taken"].values()])
            answers.update(self._received.keep(self.host.name, reply.pop("parts"), content))
            there.update(reply)

        exchange_with(self.host, self.far_python.command, self._given, about, {**own, **sources, **tasks}, keep)
        self.far_python.learn(there.pop("versions"), there.pop("modules", {}))
        refused = there.pop("refused", "")
        there["waiting"] = [name for name in there["waiting"] if name not in answers]
        there["taken"] = {name: slot for name, slot in there["taken"].items() if name not in answers}
        self._remember(there)
        if refused:
            raise SchedulerError(
                f"{self.host.name} takes no tasks: {refused}. Make room there, or name another `remote_dir` in the "
                "profile of the machine."
            )
        self._heard = time.monotonic()
        self._wishes, self._files = self._wishes[len(wishes) :], {}
        for name in tasks:
            if name.startswith("waiting/"):
                (self.path / name).unlink(missing_ok=True)
        if tasks or answers:
            self._pause = _PAUSES[0]
        return more or bool(there["more"])

    def _tasks(self) -> tuple[dict[str, bytes], bool]:
        """Return the files of the tasks that wait here, the oldest first, and whether there are more than these."""
        tasks: dict[str, bytes] = {}
        size = 0
        for path in sorted((self.path / "waiting").glob("[!.]*"), key=_age):
            with suppress(FileNotFoundError):  # it was taken back
                data = path.read_bytes()
                if any((self.path / place / path.name).exists() for place in ("done", "kept")):
                    path.unlink()  # another process has put it there and received the answer
                    continue
                if tasks and size + len(data) > far_end.MOST:
                    return tasks, True
                with suppress(FileNotFoundError):
                    tasks[f"files/{path.name}"] = (self.path / "files" / path.name).read_bytes()
                tasks[f"waiting/{path.name}"] = data
                size += len(data)
        return tasks, False

    def _remember(self, there: dict[str, Any]) -> None:
        """Keep the state of the counterpart, also for other processes."""
        if there != self._there or self._heard is None:
            with whole_file(self.path / _THERE, 0o600) as file:
                file.write(json.dumps(there).encode())
        self._there = there


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
