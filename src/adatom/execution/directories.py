"""The directory of a run: made when first needed, marked when the run fails, moved home when it ends.

While a run lasts its directory is called ``running-NAME`` (in ``scratch_dir`` where that is set). It becomes ``NAME``
when the run ends well and ``failed-NAME``, with the cause in ``error.txt``, when it does not. So whatever is called
``NAME`` is finished, also after a crash of the machine.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from adatom.errors import StorageError, format_traceback
from adatom.execution.context import current_job, job_context
from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name

__all__ = ["RunDirectory", "entered", "find_run", "mark_interrupted", "run_directory"]

RUNNING, FAILED = "running-", "failed-"


class RunDirectory:
    """Directory of one run.

    Parameters
    ----------
    final
        Path of the directory after the run has ended well.
    parent
        Directory of the run around this one, which may not have ended yet; None: this run is inside no other.

    Attributes
    ----------
    find_previous
        Function that returns the final path of an earlier run of the same job that was cut before its end, or None;
        None: no earlier run is looked for.
    on_resumable
        Function to call with the final path once the directory holds files that a later run could go on from; None:
        nothing remembers them.
    """

    find_previous: Callable[[], Path | None] | None = None
    on_resumable: Callable[[Path], None] | None = None

    def __init__(self, final: Path | str, parent: RunDirectory | None = None) -> None:
        self._final = final
        self._parent = parent
        self._now: Path | None = None
        self.exists = self.taken = self._resumable = False
        self._children = 0

    @cached_property
    def final(self) -> Path:  # made on demand: most short jobs have no files
        """Path of the directory after a good end, as a result document names it."""
        return Path(self._final)

    @cached_property
    def previous(self) -> Path | None:  # looked for on demand: most jobs have no steps to go on with
        """Directory of an earlier run of the same job that was cut before its end; calculations go on from there."""
        if self._parent:
            above = self._parent.previous
            return find_run(above / Path(self._final).name) if above else None
        found = self.find_previous() if self.find_previous else None
        return find_run(found) if found else None

    @property
    def is_resumable(self) -> bool:
        """Return whether this run, or the earlier one in `previous`, left files that a later run could go on from."""
        return self._resumable or self.__dict__.get("previous") is not None

    @property
    def path(self) -> Path:
        """Current path of the directory, to which files are written."""
        return self._now or self.final

    @property
    def _home(self) -> Path:
        """Return the final parent directory under its current name."""
        return self._parent.open() if self._parent else self.final.parent

    @property
    def _label(self) -> str:
        return f"{self._parent._label}-{self.final.name}" if self._parent else self.final.name

    def open(self) -> Path:
        """Make the directory, once, and return its path.

        Raises
        ------
        StorageError
            The directory cannot be made.
        """
        if not self.exists:
            while _is_taken(self.final):
                # An engine that lost a result, or the worker with it, runs the job again.
                self.final = self.final.with_name(f"{self.final.name}-again")
            scratch, path = get_settings().scratch_dir, self._home / f"{RUNNING}{self.final.name}"
            if scratch:
                _make(path.parent, "ADATOM_RESULTS_DIR")  # a wrong setting must fail now, not after the work
                path = scratch / f"{RUNNING}{self._label}"
            _make(path, "ADATOM_SCRATCH_DIR" if scratch else "ADATOM_RESULTS_DIR", exist_ok=False)
            self._now, self.exists = path, True
        return self._now or self.final

    def child(self, name: str) -> RunDirectory:
        """Return a directory inside this one, for a further calculation of the same job."""
        self._children += 1
        return RunDirectory(self.final / f"{name}-{self._children}", self)

    def mark_resumable(self) -> None:
        """Report that the directory holds files that a later run of the same job could go on from."""
        if self._parent:
            self._parent.mark_resumable()
        elif self.on_resumable:
            self._resumable = True
            self.on_resumable(self.final)

    @property
    def is_child(self) -> bool:
        """Return whether the directory is inside that of another run: it is of a second or further calculation."""
        return self._parent is not None

    def finish(self) -> None:
        """End a run that went well: compress its files if the setting `gzip` says so, and take the final name.

        Raises
        ------
        StorageError
            The files cannot be written or moved, for example because the disk is full.
        """
        now, name = self._now, self.final.name
        if now and now.name != name:
            if get_settings().gzip:
                try:
                    _compress(now)
                except OSError as error:
                    raise StorageError(f"Cannot compress the files of a run in {now}: {error}") from error
            self._move(name)

    def fail(self, error: BaseException) -> None:
        """End a run that failed: keep its files under the ``failed-`` name, with the cause in ``error.txt``.

        Parameters
        ----------
        error
            Exception that ended the run.
        """
        failed = FAILED + self.final.name
        if self.path.name == failed:
            return
        try:
            text = format_traceback(error)
            (self.open() / "error.txt").write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            pass  # a full or read-only disk: the cause still reaches the user with the error
        if self.exists:
            self._move(failed)

    def _move(self, name: str) -> None:
        target = self._home / name
        try:
            try:
                os.rename(self.path, target)
            except OSError:
                near = target.with_name(RUNNING + self.final.name)
                if near == self.path:
                    raise
                # Another file system. Half a copy must not look like a result.
                shutil.copytree(self.path, near, dirs_exist_ok=True)
                os.rename(near, target)
                shutil.rmtree(self.path)
        except (OSError, shutil.Error) as error:
            raise StorageError(f"Cannot move the files of a run from {self.path} to {target}: {error}") from error
        self._now = target


def _is_taken(path: Path) -> bool:
    """Return whether a run has the directory, under any of its names."""
    exists, start = os.path.exists, f"{path.parent}{os.sep}"
    return exists(path) or exists(f"{start}{RUNNING}{path.name}") or exists(f"{start}{FAILED}{path.name}")


def _make(path: Path, setting: str, exist_ok: bool = True) -> None:
    try:
        try:
            os.mkdir(path)
        except FileNotFoundError:
            os.makedirs(path, exist_ok=exist_ok)
        except FileExistsError:
            if not (exist_ok and path.is_dir()):
                raise
    except OSError as error:
        raise StorageError(f"Cannot make the directory {path}: {error.strerror}. Set {setting}.") from error


@contextmanager
def run_directory(name: str) -> Iterator[RunDirectory]:
    """Make the directory of the calculation in the block, and end it with the block.

    The first calculation of a job uses the job's own directory, and each further one a directory inside it. Outside of
    jobs, a calculation has a new directory in ``results_dir``.

    Parameters
    ----------
    name
        Name of the calculation, with which the name of a new directory begins.

    Yields
    ------
    RunDirectory
        Directory that exists; files are written to its ``path``. Partial results are kept if the block raises.

    Raises
    ------
    StorageError
        The directory cannot be made, or its files cannot be moved to their final place.
    """
    job = current_job().directory
    if job is None:
        directory = RunDirectory(get_settings().results_dir / unique_name(name, stamp()))
    else:
        directory = job.child(name) if job.taken else job
    directory.taken = True
    with entered(directory):
        directory.open()
        yield directory


@contextmanager
def entered(directory: RunDirectory) -> Iterator[RunDirectory]:
    """Set the run directory of the code in the block, and end the run with the block.

    Parameters
    ----------
    directory
        Run directory, which need not exist yet.

    Yields
    ------
    RunDirectory
        Same object as `directory`.
    """
    with job_context(directory=directory):
        try:
            yield directory
            directory.finish()
        except BaseException as error:
            directory.fail(error)
            raise


def find_run(final: Path) -> Path | None:
    """Return the directory of a run under its current name, whether the run ended well, failed or still lasts.

    Parameters
    ----------
    final
        Path of the directory after a good end; the directory around it may have another name now, too.

    Returns
    -------
    Path or None
        Current path of the directory; None if no directory has any of the possible names.
    """
    around = final.parent
    for parent in [around, *(around.with_name(mark + around.name) for mark in (FAILED, RUNNING) if around.name)]:
        for mark in ("", FAILED, RUNNING):
            if (path := parent / (mark + final.name)).is_dir():
                return path
    return None


def mark_interrupted(final: Path, why: str, make: bool = False) -> Path | None:
    """Give the ``failed-`` name to a run directory that its process left behind.

    Parameters
    ----------
    final
        Path that the directory would have had after a good end.
    why
        Cause of the end of the process, for ``error.txt``.
    make
        Whether to make the directory if the run had made none.

    Returns
    -------
    Path or None
        New path of the directory; None if the run had made no directory, or not on this machine's disks.
    """
    left = final.with_name(RUNNING + final.name)
    failed = final.with_name(FAILED + final.name)
    try:
        if left.is_dir():
            left.rename(failed)
        elif final.is_dir():  # one calculation of several had ended well
            final.rename(failed)
        elif make:
            failed.mkdir(parents=True, exist_ok=True)
        if failed.is_dir() and not (failed / "error.txt").exists():
            (failed / "error.txt").write_text(why + "\n")
    except OSError:
        pass  # a disk that is full or not this machine's: the cause still reaches the user with the failure
    return failed if failed.is_dir() else None


def _compress(directory: Path) -> None:
    for file in directory.iterdir():
        if file.is_file() and file.suffix not in {".traj", ".checkpoint", ".gz"}:
            with file.open("rb") as plain, gzip.open(f"{file}.gz", "wb", compresslevel=5) as packed:
                shutil.copyfileobj(plain, packed)
            file.unlink()
