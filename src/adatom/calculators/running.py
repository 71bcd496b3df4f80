"""Run the program of a code, and check how it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adatom.errors import ProgramError, StorageError
from adatom.execution.context import current_job

__all__ = ["end", "ending", "failure_of", "last_lines", "run_program", "started"]

# The backtraces of gfortran and CP2K would push out the reason.
_BACKTRACE = re.compile(r"\s*(#\d+\s|at \S+:\d+$)| {10,}\d+ [A-Za-z]\w*$")


def run_program(
    name: str,
    command: Sequence[str],
    directory: Path,
    *,
    output: str,
    errors: str,
    more: Sequence[str] = (),
    stdin: str | None = None,
    done: str = "",
    fine: Sequence[int] = (0,),
    watch: Callable[[], None] | None = None,
) -> str:
    """Run a program in a directory, and check how it ends.

    The program inherits the environment, with ``OMP_NUM_THREADS=1`` unless the variable is set. On one node it has a
    ``TMPDIR`` of its own, which is removed after it: Open MPI's files of programs that start at once would meet there.

    Parameters
    ----------
    name
        Name of the program, for messages.
    command
        Words of the command that starts the program.
    directory
        Working directory of the program.
    output, errors
        Names of the files in `directory` for standard output and standard error.
    more
        Names of further files in `directory` to which a failing program writes messages.
    stdin
        Name of the file in `directory` for standard input. None: standard input is empty.
    done
        Text that the program prints only at its end.
    fine
        Exit statuses after which the output is worth reading.
    watch
        Same as in `started`.

    Returns
    -------
    str
        Standard output of the program.

    Raises
    ------
    ProgramError
        The program ended in another way. The message has the last lines of its files.
    StorageError
        The program ended in another way, and the disk is full, or the program says that one is.
    """
    with (
        (directory / output).open("wb") as out,
        (directory / errors).open("wb") as err,
        Path(directory / stdin if stdin else os.devnull).open("rb") as given,
        started(command, directory, watch=watch, stdin=given, stdout=out, stderr=err) as process,
    ):
        status = process.wait()
    text = (directory / output).read_text(errors="replace")
    if status in fine and done in text:
        return text
    said = f"{name} {ending(status)}{'' if done in text else ', before its end'}"
    raise failure_of(said, directory, output, errors, *more)


def failure_of(said: str, directory: Path, *files: str) -> ProgramError | StorageError:
    """Return the error for a program that failed, with the last lines of its files.

    Parameters
    ----------
    said
        What happened, without a full stop.
    directory
        Working directory of the program.
    *files
        Names of files in `directory` that the program wrote messages to.

    Returns
    -------
    ProgramError or StorageError
        The latter if the disk of `directory` is full, or the program says that a disk is, such as that of its scratch
        files.
    """
    ends = last_lines(directory, *files)
    if shutil.disk_usage(directory).free < 4096 or "No space left on device" in "".join(ends):
        return StorageError("\n".join([f"{said}: the disk is full. Make room, or set ADATOM_RESULTS_DIR.", *ends]))
    return ProgramError("\n".join([f"{said}.", *ends]))


@contextmanager
def started(
    command: Sequence[str | os.PathLike[str]],
    directory: Path,
    *,
    env: Mapping[str, str] | None = None,
    without: Collection[str] = (),
    watch: Callable[[], None] | None = None,
    **streams: Any,
) -> Iterator[subprocess.Popen[Any]]:
    """Start a program in a directory; if it still runs after the block, end it.

    The program inherits the environment, with ``OMP_NUM_THREADS=1`` unless the variable is set. On one node it has a
    ``TMPDIR`` of its own, which is removed after it: Open MPI's files of programs that start at once would meet there.

    Parameters
    ----------
    command
        Words of the command that starts the program.
    directory
        Working directory of the program.
    env
        Variables that are added to the environment. None: none.
    without
        Names of variables that the program does not inherit.
    watch
        Function that is called several times a second while something waits for the program. None: nothing watches it.
    **streams
        Further arguments of `subprocess.Popen`.

    Yields
    ------
    subprocess.Popen
        The process.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in without}
    with _own_temporary_directory() as temporary:
        process = _Watched(
            command, cwd=directory, env={"OMP_NUM_THREADS": "1", **inherited, **temporary, **(env or {})}, **streams
        )
        process.watch = watch
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """End a program if it still runs, and return when it has ended.

    Parameters
    ----------
    process
        Process of the program.
    """
    if process.poll() is not None:
        return
    process.terminate()  # no kill: a killed launcher cannot stop its ranks
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Watched(subprocess.Popen[Any]):
    """A process beside which a function is called while something waits for its end."""

    watch: Callable[[], None] | None = None

    def wait(self, timeout: float | None = None) -> int:
        while self.watch and timeout is None:
            try:
                return super().wait(0.25)
            except subprocess.TimeoutExpired:
                self.watch()
        return super().wait(timeout)

    def poll(self) -> int | None:
        status = super().poll()
        if self.watch and status is None:
            self.watch()
        return status


@contextmanager
def _own_temporary_directory() -> Iterator[dict[str, str]]:
    """Make a directory, and yield the variable that names it; other nodes of a job would not have the directory."""
    needs = current_job().resources
    if needs is not None and needs.nodes > 1:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="ad-", ignore_cleanup_errors=True) as path:  # paths of sockets are short
        yield {"TMPDIR": path}


def ending(status: int) -> str:
    """Return a phrase for the exit status of a process, such as ``"was killed by SIGKILL"``.

    Parameters
    ----------
    status
        Exit status. A shell or a launcher reports a signal as 128 plus its number.
    """
    number = -status if status < 0 else status - 128
    try:
        return f"was killed by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with exit status {status}"


def last_lines(directory: Path, *files: str) -> list[str]:
    """Return the last lines of files, each text under the name of its file; files without any are left out.

    Parameters
    ----------
    directory
        Directory of the files.
    *files
        Names of the files.
    """
    return [f"{file}:\n{end}" for file in files if (end := _end(directory / file))]


def _end(file: Path, lines: int = 12) -> str:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - 8192))
            text = opened.read().decode(errors="replace")
    except OSError:
        return ""
    said = [line.rstrip() for line in text.splitlines() if line.strip(" %\t=-") and not _BACKTRACE.match(line)]
    return "\n".join(f"  {line}" for line in said[-lines:])
