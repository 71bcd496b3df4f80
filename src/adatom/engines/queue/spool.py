"""Directory through which tasks go to the workers of batch jobs, and answers come back."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from adatom.engines.queue import worker
from adatom.errors import StorageError
from adatom.utils.files import whole_file
from adatom.utils.keyed import key_in
from adatom.utils.private import make_directory
from adatom.utils.trust import open_trusted

__all__ = ["Spool"]

_FOLDERS = ("waiting", "taken", "done", "kept", "drivers")


class Spool:
    """Directory with a file for each task, whose place says how far the task is.

    A task waits in ``waiting``. A worker takes it by renaming its file, which only one can, into a directory of its own
    in ``taken``. Its answer appears in ``done``. An answer that was received goes to ``kept`` until the flow that asked
    for it has ended, so that the flow can go on after its process was killed.

    Parameters
    ----------
    path
        Directory of the spool, for its owner alone; it is made if needed.

    Raises
    ------
    StorageError
        The directory cannot be made, or somebody else could write there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            for folder in ("", *_FOLDERS):
                make_directory(path / folder)
            self.key = key_in(path / "key")
            self.worker = path / "worker.py"
            source = Path(worker.__file__).read_bytes()
            if not self.worker.exists() or self.worker.read_bytes() != source:
                with whole_file(self.worker, 0o600) as file:
                    file.write(source)
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(
                f"No tasks can be put into {path}: {error.strerror or error}. Name another directory in "
                "ADATOM_QUEUE_DIR."
            ) from error

    def put(self, name: str, task: bytes) -> None:
        """Let a task wait for a worker.

        Parameters
        ----------
        name
            Name of the task.
        task
            Line of JSON for the worker, and the pickled function without parameters that it is to call.
        """
        worker.put(self.path / "waiting" / name, worker.sign(task, self.key))

    def take_back(self, name: str) -> None:
        """Let a task wait no longer. One that a worker has taken goes on."""
        (self.path / "waiting" / name).unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Return whether a task waits, is taken, or has an answer."""
        places = ("done", "kept", "waiting", "done")  # in this order, as a task moves meanwhile
        return any((self.path / place / name).exists() for place in places) or name in self.taken()

    def waiting(self) -> list[str]:
        """Return the names of the tasks that wait."""
        return worker.names(self.path / "waiting")

    def taken(self) -> dict[str, str]:
        """Return the names of the tasks that workers do, each with the name of its slot."""
        taken = self.path / "taken"
        return {name: slot for slot in worker.names(taken) for name in worker.names(taken / slot)}

    def kept(self) -> set[str]:
        """Return the names of the tasks whose answers are kept."""
        return set(worker.names(self.path / "kept"))

    def answered(self) -> list[str]:
        """Return the names of the tasks whose answers were not received yet."""
        return worker.names(self.path / "done")

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
        for place in (self.path / "done" / name, self.path / "kept" / name):
            try:
                with open_trusted(place) as file:
                    data = file.read()
            except FileNotFoundError:
                continue
            try:
                said = worker.verify(data, self.key)
            except ValueError as error:
                place.unlink(missing_ok=True)
                raise StorageError(f"The answer {place} cannot be trusted: {error}.") from None
            kind = said[:1]
            if kind != worker.ANSWER or not keep:
                place.unlink(missing_ok=True)
            elif place.parent.name == "done":
                with suppress(FileNotFoundError):  # another process was faster
                    place.rename(self.path / "kept" / name)
            return kind, said[1:]
        return None

    def forget(self, tasks: Iterable[str]) -> None:
        """Remove kept answers."""
        for name in tasks:
            (self.path / "kept" / name).unlink(missing_ok=True)

    def settle(self, name: str, kind: bytes, words: str) -> None:
        """Answer for a task that no worker does any more.

        Parameters
        ----------
        name
            Name of the task.
        kind
            Kind of the answer, one of those of `worker`.
        words
            Reason, for the user.
        """
        worker.put(self.path / "done" / name, worker.sign(kind + words.encode(), self.key))
        self.take_back(name)
        for path in self._taken(name):
            path.unlink(missing_ok=True)

    def put_back(self, name: str) -> None:
        """Let a task that a worker has taken wait for another worker."""
        for path in self._taken(name):
            with suppress(FileNotFoundError):  # another process was faster
                path.rename(self.path / "waiting" / name)

    def _taken(self, name: str) -> list[Path]:
        return [path for slot in (self.path / "taken").glob("*") if (path := slot / name).exists()]

    def began(self, batch_job: str) -> bool:
        """Return whether workers of a batch job have begun."""
        return any((self.path / "taken").glob(f"{batch_job}.*"))

    def orphans(self, batch_job: str) -> list[str]:
        """Return the names of the tasks that the workers of a batch job took and did not answer.

        Parameters
        ----------
        batch_job
            Name of a batch job that has ended.
        """
        found = []
        for slot in (self.path / "taken").glob(f"{batch_job}.*"):
            for name in worker.names(slot):
                if (self.path / "done" / name).exists():
                    (slot / name).unlink(missing_ok=True)
                else:
                    found.append(name)
        return found

    def clean(self, batch_job: str) -> None:
        """Remove the directories of a batch job that has ended, unless there are tasks in them."""
        for slot in (self.path / "taken").glob(f"{batch_job}.*"):
            worker.closing(slot).unlink(missing_ok=True)
            with suppress(OSError):
                slot.rmdir()
