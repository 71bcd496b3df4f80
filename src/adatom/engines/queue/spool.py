"""Directory through which tasks go to the workers of batch jobs, and answers come back."""

from __future__ import annotations

import fcntl
import math
import sys
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from pathlib import Path

from adatom.engines.queue import worker
from adatom.engines.queue.task_files import FOLDERS, TaskFiles
from adatom.errors import StorageError
from adatom.machines.here import HERE, Here
from adatom.utils.files import whole_file
from adatom.utils.keyed import key_in
from adatom.utils.private import make_directory
from adatom.utils.trust import open_trusted

__all__ = ["Spool"]


class Spool(TaskFiles):
    """Directory with a file for each task, whose place says how far the task is.

    A task waits in ``waiting``. A worker takes it by renaming its file, which only one can, into a directory of its own
    in ``taken``. Its answer appears in ``done``. An answer that was received goes to ``kept`` until the flow that asked
    for it has ended, so that the flow can go on after its process was killed.

    Parameters
    ----------
    path
        Directory of the spool, for its owner alone; it is made if needed.
    python
        Interpreter of the workers.

    Attributes
    ----------
    key
        Key that signs the tasks and answers.
    host
        Machine of the batch jobs.

    Raises
    ------
    StorageError
        The directory cannot be made, or somebody else could write there.
    """

    host: Here = HERE

    def __init__(self, path: Path, python: str = sys.executable) -> None:
        super().__init__(path)
        self._python = python
        try:
            for folder in ("", *FOLDERS):
                make_directory(path / folder)
            self.key = key_in(path / "key")
            program, source = path / "worker.py", Path(worker.__file__).read_bytes()
            if not program.exists() or program.read_bytes() != source:
                with whole_file(program, 0o600) as file:
                    file.write(source)
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(
                f"No tasks can be put into {path}: {error.strerror or error}. Name another directory in "
                "ADATOM_QUEUE_DIR."
            ) from error

    @contextmanager
    def room(self) -> Iterator[None]:
        """Say of a disk that is full what to do.

        Raises
        ------
        StorageError
            The disk is full.
        """
        try:
            yield
        except OSError as error:
            if error.errno not in worker.NO_ROOM:
                raise
            raise StorageError(
                f"{error.filename or self.path}: {error.strerror}. Make room there, or name another directory in "
                "ADATOM_QUEUE_DIR. Jobs that were begun go on, and the script finds them when it is run again."
            ) from error

    @property
    def place(self) -> Path:
        """Directory of the spool on the machine of the batch jobs."""
        return self.path

    @property
    def known_place(self) -> Path | None:
        """Same as `place`, without a question to another machine. None: it was never asked."""
        return self.path

    @property
    def python(self) -> str:
        """Interpreter of the workers."""
        return self._python

    @contextmanager
    def putting(self, alone: bool) -> Iterator[None]:
        """Look for a task and put it while no other process does so.

        Parameters
        ----------
        alone
            Whether no other process uses the spool.
        """
        if alone:
            yield
            return
        with open(self.path / ".putting", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._listed = -math.inf  # the other process may have put tasks there since
            yield

    def put(self, name: str, task: bytes, directories: Sequence[str] = ()) -> None:
        """Let a task wait for a worker.

        Parameters
        ----------
        name
            Name of the task.
        task
            Line of JSON for the worker, and the pickled function without parameters that it is to call.
        directories
            Final paths of the run directories of its jobs.
        """
        worker.put(self.path / "waiting" / name, worker.sign(task, self.key))

    def kept(self) -> set[str]:
        """Return the names of the tasks whose answers are kept."""
        return set(worker.names(self.path / "kept"))

    def keeps(self, name: str) -> bool:
        """Return whether the answer to a task is kept."""
        return (self.path / "kept" / name).exists()

    def answer(self, name: str, keep: bool) -> tuple[bytes, bytes] | None:
        """Receive an answer.

        Parameters
        ----------
        name
            Name of the task.
        keep
            Whether the answer is kept, if it is one of the task itself.

        Returns
        -------
        tuple of bytes, or None
            Kind of the answer, one of those of `worker`, and its content. None: there is no answer yet.

        Raises
        ------
        StorageError
            The answer is damaged, or somebody else wrote it.
        """
        for folder in ("done", "kept"):
            place = self.path / folder / name
            try:
                said = self._read(folder, name)
            except StorageError:
                place.unlink(missing_ok=True)  # the next run is to do the task again
                raise
            if said is None:
                continue
            kind = said[:1]
            if kind != worker.ANSWER or not keep:
                place.unlink(missing_ok=True)
            elif folder == "done":
                with suppress(FileNotFoundError):  # another process was faster
                    place.rename(self.path / "kept" / name)
            return kind, said[1:]
        return None

    def read(self, name: str) -> tuple[bytes, bytes] | None:
        """Read an answer, and leave it as it is.

        Parameters
        ----------
        name
            Name of the task.

        Returns
        -------
        tuple of bytes, or None
            Same as of `answer`.

        Raises
        ------
        StorageError
            The answer is damaged, or somebody else wrote it.
        """
        data = self._read("done", name) or self._read("kept", name)
        return None if data is None else (data[:1], data[1:])

    def read_task(self, name: str) -> bytes | None:
        """Return what `put` was given for a task, if it is still here.

        Parameters
        ----------
        name
            Name of the task.

        Raises
        ------
        StorageError
            The file is damaged, or somebody else wrote it.
        """
        slot = self.taken().get(name)
        return self._read("waiting", name) or (self._read(f"taken/{slot}", name) if slot else None)

    def _read(self, folder: str, name: str) -> bytes | None:
        path = self.path / folder / name
        try:
            with open_trusted(path) as file:
                return worker.verify(file.read(), self.key)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StorageError(f"{path} cannot be trusted: {error}.") from None

    def remove_answers(self, tasks: Iterable[str]) -> None:
        """Remove answers, also those that were not received."""
        for name in tasks:
            (self.path / "done" / name).unlink(missing_ok=True)
            self.forget_answers([name])

    def forget_answers(self, tasks: Iterable[str]) -> None:
        """Remove kept answers."""
        for name in tasks:
            (self.path / "kept" / name).unlink(missing_ok=True)

    def settle(self, name: str, kind: bytes, words: str) -> None:
        """Answer for a task that no worker is to do any more.

        Parameters
        ----------
        name
            Name of the task.
        kind
            Kind of the answer, one of those of `worker`.
        words
            Reason, for the user.
        """
        self.end(name, worker.sign(kind + words.encode(), self.key).hex())

    def script(self, name: str, text: bytes) -> Path:
        """Write the script of a batch job, and return its path on the machine that submits it.

        Parameters
        ----------
        name, text
            Name of the file, and its content.
        """
        with whole_file(self.path / name, 0o600) as file:  # variables may be secrets
            file.write(text)
        return self.place / name

    def search_path(self) -> list[str]:
        """Return the directories on the machine of the batch jobs in which workers find the user's modules."""
        return [folder for folder in sys.path if folder and not folder.startswith(sys.prefix)]

    def check_modules(self, name: str, modules: Set[str]) -> None:
        """Refuse a job that imports modules which are not on the machine of the batch jobs.

        Parameters
        ----------
        name
            Name of the job.
        modules
            Top-level names of the modules.

        Raises
        ------
        InputError
            A module is not there.
        """

    @property
    def results(self) -> str:
        """Directory there for the files of jobs; empty: the directories of the jobs exist there."""
        return ""

    def follow(self, journals: Set[str]) -> None:
        """See that what workers write into journals is in the journals here, which it is on one file system.

        Parameters
        ----------
        journals
            Directories of the journals.
        """

    def exchange(self) -> None:
        """See now that tasks and answers are where they belong."""

    def sync(self, at_once: bool = False) -> None:
        """See that tasks and answers are where they belong, which they are on one file system.

        Parameters
        ----------
        at_once
            Whether this must not wait.
        """
