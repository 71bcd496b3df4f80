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
    """One run's directory.

    Parameters
    ----------
    final
        Where it stands when the run has ended well.
    parent
        The directory that it is in, of a run that may not have ended yet.

    Attributes
    ----------
    find_previous
        Gives the final name of an earlier run of the same job that was cut before its end, if there is one.
    on_left
        Called with the final name when there is something in it that a later run could go on from.
    """

    find_previous: Callable[[], Path | None] | None = None
    on_left: Callable[[Path], None] | None = None

    def __init__(self, final: Path | str, parent: RunDirectory | None = None) -> None:
        self._final = final
        self._parent = parent
        self._now: Path | None = None
        self.exists = self.taken = self._left = False
        self._children = 0

    @cached_property
    def final(self) -> Path:  # made when asked for: most short jobs have no files
        """Where it will be: what a result document names."""
        return Path(self._final)

    @cached_property
    def previous(self) -> Path | None:  # looked for when asked for: most jobs have no steps to go on with
        """What an earlier run of the same job left, cut before its end; its calculations go on from there."""
        if self._parent:
            above = self._parent.previous
            return find_run(above / Path(self._final).name) if above else None
        found = self.find_previous() if self.find_previous else None
        return find_run(found) if found else None

    @property
    def may_be_gone_on_from(self) -> bool:
        """Whether it, or an earlier run that it knows of, has something that a later run could go on from."""
        return self._left or self.__dict__.get("previous") is not None

    @property
    def path(self) -> Path:
        """Where it is now. Files are written here."""
        return self._now or self.final

    @property
    def _home(self) -> Path:
        """What it stands in when it has ended, as that is called now."""
        return self._parent.open() if self._parent else self.final.parent

    @property
    def _label(self) -> str:
        return f"{self._parent._label}-{self.final.name}" if self._parent else self.final.name

    def open(self) -> Path:
        """Make the directory, once, and give its path.

        Raises
        ------
        StorageError
            It cannot be made.
        """
        if not self.exists:
            while self.final.exists() or self.final.with_name(RUNNING + self.final.name).exists():
                # An engine that lost a result, or the worker with it, runs the job again.
                self.final = self.final.with_name(f"{self.final.name}-again")
            scratch, path = get_settings().scratch_dir, self._home / f"{RUNNING}{self.final.name}"
            if scratch:
                _make(path.parent, "ADATOM_RESULTS_DIR")  # found out now, not when the work is done
                path = scratch / f"{RUNNING}{self._label}"
            _make(path, "ADATOM_SCRATCH_DIR" if scratch else "ADATOM_RESULTS_DIR", exist_ok=False)
            self._now, self.exists = path, True
        return self._now or self.final

    def child(self, name: str) -> RunDirectory:
        """A directory inside this one, for a further run of the same job."""
        self._children += 1
        return RunDirectory(self.final / f"{name}-{self._children}", self)

    def left(self) -> None:
        """Say that there is something in it that a later run of the same job could go on from."""
        if self._parent:
            self._parent.left()
        elif self.on_left:
            self._left = True
            self.on_left(self.final)

    @property
    def is_child(self) -> bool:
        """Whether it is inside the directory of another run, as a job's second and further calculations are."""
        return self._parent is not None

    def finish(self) -> None:
        """The run ended well: compress if the settings say so, and take the final name.

        Raises
        ------
        StorageError
            The disk is full, or will not be written for another reason.
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
        """The run did not end well: keep its files under the ``failed-`` name, with the cause inside.

        Parameters
        ----------
        error
            The cause.
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
    """The directory of one calculation.

    Inside a job it is the job's own directory, or, for its second and further calculations, a directory inside
    that one. Elsewhere it is a new one in ``results_dir``.

    Parameters
    ----------
    name
        What to call it.

    Yields
    ------
    RunDirectory
        Open, with its files in ``path``. A partial result is kept if the block raises.

    Raises
    ------
    StorageError
        The directory cannot be made, or its files cannot be moved home.
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
    """Make a directory, which need not exist yet, that of the code in the block, and end it with the block.

    Parameters
    ----------
    directory
        The directory.

    Yields
    ------
    RunDirectory
        The same.
    """
    with job_context(directory=directory):
        try:
            yield directory
            directory.finish()
        except BaseException as error:
            directory.fail(error)
            raise


def find_run(final: Path) -> Path | None:
    """Where the files of a run are, whether it ended well or not, or lasts.

    Parameters
    ----------
    final
        The name it has, or would have, had the run ended well; the directory around it may have moved too.

    Returns
    -------
    Path or None
        The directory; None where there is none of these names.
    """
    around = final.parent
    for parent in [around, *(around.with_name(mark + around.name) for mark in (FAILED, RUNNING) if around.name)]:
        for mark in ("", FAILED, RUNNING):
            if (path := parent / (mark + final.name)).is_dir():
                return path
    return None


def mark_interrupted(final: Path, why: str, make: bool = False) -> Path | None:
    """Give a run's directory that its process left behind the ``failed-`` name.

    Parameters
    ----------
    final
        The name it would have had, had the run ended well.
    why
        What ended the process.
    make
        Make the directory if the run had made none.

    Returns
    -------
    Path or None
        Its new name; None where the run had made no directory, or not on this machine's disks.
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
