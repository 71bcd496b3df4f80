"""What is written down of a batch job until somebody has been told its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adatom.errors import SchedulerError
from adatom.machines.host import Host
from adatom.machines.schedulers.base import Scheduler, Submitted, scheduler
from adatom.machines.script import END_MARK, STDERR, STDOUT
from adatom.utils.files import whole_file

__all__ = ["Record", "read_record", "read_records", "record_path"]

_FOLDER = ".adatom-jobs"
_KEYS = ("id", "name", "machine", "scheduler_name", "submitted", "walltime", "host", "place")


@dataclass(frozen=True)
class Record:
    """A batch job that was submitted.

    Attributes
    ----------
    path
        The file that says so, in a folder of the directory that is the job's here.
    id
        As the scheduler calls it.
    name
        Of the job and its files.
    machine
        The name of its profile.
    scheduler_name
        Who runs it.
    submitted
        When, in seconds since the epoch.
    walltime
        What it was given, in s; None if it has no limit.
    host
        The machine that one logs in to for its scheduler; None: this one.
    place
        The directory there that its files were copied to; None: it runs in the one here.
    """

    path: Path
    id: str
    name: str
    machine: str
    scheduler_name: str
    submitted: float
    walltime: float | None
    host: str | None = None
    place: str | None = None

    @property
    def work_dir(self) -> Path:
        """Where it runs, or its files come to."""
        return self.path.parents[1]

    @property
    def scheduler(self) -> Scheduler:
        """Who runs it."""
        return scheduler(self.scheduler_name, self.host)

    @property
    def job(self) -> Submitted:
        """It, for its scheduler."""
        directory = Path(self.place) if self.place else self.work_dir
        return Submitted(self.id, directory / self.script.name, self.walltime)

    @property
    def script(self) -> Path:
        """Its script."""
        return self._file(self.scheduler.suffix)

    @property
    def stdout(self) -> Path:
        """What the program printed."""
        return self._file(STDOUT)

    @property
    def stderr(self) -> Path:
        """Its errors."""
        return self._file(STDERR)

    @property
    def end_mark(self) -> Path:
        """Its exit status, once it has ended by itself."""
        return self._file(END_MARK)

    def _file(self, suffix: str) -> Path:
        return self.work_dir / (self.name + suffix)

    def write(self) -> None:
        """Write it down."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as file:
            file.write(json.dumps({key: getattr(self, key) for key in _KEYS}).encode())

    def fetch(self) -> None:
        """Get the files that it has made, where they are elsewhere.

        Raises
        ------
        SchedulerError
            The host does not answer.
        """
        if self.host and self.place:
            Host(self.host).fetch(Path(self.place), self.work_dir)

    def forget(self) -> None:
        """Somebody has been told the job's end: the same command is another job from now on."""
        self.path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove its files elsewhere. If it has not ended by itself something may still be written: they stay."""
        if self.host and self.place and self.end_mark.exists():
            with suppress(SchedulerError):
                Host(self.host).remove(Path(self.place))


def record_path(work_dir: Path, key: str) -> Path:
    """Where a job is written down.

    Parameters
    ----------
    work_dir
        Where it runs.
    key
        What says of two calls that they mean the same job.
    """
    return work_dir / _FOLDER / f"{key}.json"


def read_record(path: Path) -> Record | None:
    """What is written down in a file; None if there is none.

    Parameters
    ----------
    path
        What `record_path` gave.
    """
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
        return Record(path, **said)
    except (OSError, ValueError, TypeError):  # of another version, or not ours
        return None


def read_records(work_dir: Path) -> Iterator[Record]:
    """The jobs in a directory of which nobody has been told the end, the oldest first.

    Parameters
    ----------
    work_dir
        The directory.
    """
    found = filter(None, map(read_record, (work_dir / _FOLDER).glob("*.json")))
    yield from sorted(found, key=lambda record: record.submitted)
