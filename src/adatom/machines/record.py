"""Records of batch jobs, which are kept in files until a caller has received the end of the job."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adatom.errors import AdatomError, SchedulerError, StorageError
from adatom.machines.host import Host, checked_place
from adatom.machines.model import checked_name
from adatom.machines.schedulers.base import Scheduler, Submitted, scheduler
from adatom.machines.script import END_MARK, STDERR, STDOUT
from adatom.machines.ssh import checked_host
from adatom.settings import get_settings
from adatom.utils.files import whole_file
from adatom.utils.private import make_directory, share_file
from adatom.utils.sealed import read_sealed, sealed
from adatom.utils.trust import group_id

__all__ = ["Record", "read_record", "read_records", "record_path"]

_FOLDER = ".adatom-jobs"


def _id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][\w.:@\[\]-]*", text, re.ASCII):
        raise ValueError("no scheduler gives a job such an id")
    return text


def _time(seconds: float) -> float:
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("give seconds")
    return seconds


# Types of the values in a file, and their checks. Somebody else may have written the file.
_CHECKS: dict[str, tuple[tuple[type, ...], Callable[[Any], Any]]] = {
    "id": ((str,), _id),
    "name": ((str,), checked_name),
    "machine": ((str,), checked_name),
    "scheduler_name": ((str,), scheduler),
    "submitted": ((int, float), _time),
    "walltime": ((int, float, type(None)), lambda seconds: seconds is None or _time(seconds)),
    "host": ((str, type(None)), lambda host: host is None or checked_host(host)),
    "place": ((str, type(None)), lambda place: place is None or checked_place(place)),
}


@dataclass(frozen=True)
class Record:
    """Batch job that was submitted.

    Attributes
    ----------
    path
        Path of the file with this record, in a folder of `work_dir`.
    id
        Identifier that the scheduler gave the job.
    name
        Name of the job, with which its files begin.
    machine
        Name of the profile of the machine.
    scheduler_name
        Name of the scheduler, as profiles write it.
    submitted
        Time of the submission, in s since the epoch.
    walltime
        Run time that the job was given, in s. None: no limit.
    host
        Host to log in to for the scheduler, as ``ssh`` takes it. None: this machine.
    place
        Directory on `host` that the files of the job were copied to. None: the job runs in `work_dir`.
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
        """Directory that the job runs in, or that its files are copied back to."""
        return self.path.parents[1]

    @property
    def scheduler(self) -> Scheduler:
        """Scheduler that runs the job."""
        return scheduler(self.scheduler_name, self.host)

    @property
    def job(self) -> Submitted:
        """Job as its scheduler sees it."""
        directory = Path(self.place) if self.place else self.work_dir
        return Submitted(self.id, directory / self.script.name, self.walltime)

    @property
    def script(self) -> Path:
        """Path of the script."""
        return self._file(self.scheduler.suffix)

    @property
    def stdout(self) -> Path:
        """Path of the file with the output of the program."""
        return self._file(STDOUT)

    @property
    def stderr(self) -> Path:
        """Path of the file with the errors of the program."""
        return self._file(STDERR)

    @property
    def end_mark(self) -> Path:
        """Path of the file with the exit status of the program, which exists once the program has ended by itself."""
        return self._file(END_MARK)

    def _file(self, suffix: str) -> Path:
        return self.work_dir / (self.name + suffix)

    def write(self) -> None:
        """Write the record to its file."""
        gid = group_id(get_settings().cache_group)
        make_directory(self.path.parent, gid)
        with whole_file(self.path, 0o600) as file:
            share_file(file.fileno(), gid)
            file.write(sealed(json.dumps({key: getattr(self, key) for key in _CHECKS})))

    def fetch(self) -> None:
        """Copy the files that the job has made to `work_dir`, if the job runs in another directory.

        Raises
        ------
        SchedulerError
            The host does not answer, or the files cannot be read there.
        StorageError
            The files cannot be written here.
        """
        if self.host and self.place:
            Host(self.host).fetch(Path(self.place), self.work_dir)

    def forget(self) -> None:
        """Remove the record, once a caller has received the end of the job: the same command then is a new job."""
        self.path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove the copied directory on `host`, unless the end mark is missing and the job may still write there."""
        if self.host and self.place and self.end_mark.exists():
            with suppress(SchedulerError):
                Host(self.host).remove(Path(self.place))


def record_path(work_dir: Path, key: str) -> Path:
    """Return the path of the record of a job.

    Parameters
    ----------
    work_dir
        Directory that the job runs in, or that its files are copied back to.
    key
        Digest of the script: calls with the same one mean the same job.
    """
    return work_dir / _FOLDER / f"{key}.json"


def read_record(path: Path) -> Record | None:
    """Read the record of a job, or return None if there is none.

    Parameters
    ----------
    path
        Path that `record_path` returned.

    Raises
    ------
    StorageError
        The file cannot be read, or holds something that `Record.write` does not write; the message names it.
    """
    try:
        said = read_sealed(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"The record of a job cannot be read: {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.keys() != _CHECKS.keys():
        raise _refused(path, f"it is damaged, or is no record of a job with the keys {', '.join(_CHECKS)}")
    for key, (types, check) in _CHECKS.items():
        value = said[key]
        try:
            if type(value) not in types:
                raise ValueError(f"its type is {type(value).__name__}")
            check(value)
        except (AdatomError, ValueError, OverflowError) as error:
            raise _refused(path, f"{key} is {value!r}: {error}") from None
    if said["place"] is not None and (said["host"] is None or Path(said["place"]).name != said["name"]):
        raise _refused(path, f"place is {said['place']!r}, which is no directory of {said['name']} on {said['host']!r}")
    return Record(path, **said)


def _refused(path: Path, why: str) -> StorageError:
    return StorageError(
        f"{path} cannot be trusted: {why.rstrip('.')}. If you did not write it, find out who did. "
        "Remove it to forget the job."
    )


def read_records(work_dir: Path) -> Iterator[Record]:
    """Yield the records of the jobs whose end no caller has received, the oldest submission first.

    Parameters
    ----------
    work_dir
        Directory that the jobs run in, or that their files are copied back to.

    Raises
    ------
    StorageError
        A record cannot be trusted, as in `read_record`.
    """
    found = filter(None, map(read_record, (work_dir / _FOLDER).glob("*.json")))
    yield from sorted(found, key=lambda record: record.submitted)
