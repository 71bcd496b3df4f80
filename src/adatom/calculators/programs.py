"""Programs of a code: their place, their start and the check of their end."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adatom.errors import InputError, ProgramError, StorageError
from adatom.execution.context import current_job
from adatom.settings import get_settings

__all__ = [
    "Programs",
    "end",
    "ending",
    "failure_of",
    "last_lines",
    "megabytes",
    "run_program",
    "shared_cores",
    "started",
]


_BACKTRACE = re.compile(r"\s*(#\d+\s|at \S+:\d+$)")  # gfortran's backtrace would push out the reason


@dataclass(frozen=True)
class Programs:
    """Programs of a code that lie in one directory.

    ASE's configuration takes precedence over the settings of adatom, and these over the ``PATH``.

    Attributes
    ----------
    code
        Name of the code in ASE's configuration and in the settings `commands` and `data_dirs`.
    main
        Program that ``command`` in ASE's configuration starts.
    install
        Advice on how to install the programs.
    launches
        Whether the main program starts its ranks itself, and needs its own path for that.
    named
        Regular expression for further names of the main program, where these tell its version or how it was built.
    """

    code: str
    main: str
    install: str
    launches: bool = False
    named: str = ""

    def command(self, program: str | None = None) -> list[str]:
        """Return the command that starts a program on the ranks of the current job.

        Parameters
        ----------
        program
            Name of the program; None: the main program.

        Returns
        -------
        list of str
            Words of the command: a launcher if the job needs one, the program and its options.

        Raises
        ------
        InputError
            The program does not exist, or a launcher in the configuration conflicts with the ranks of the job.
        """
        program = program or self.main
        words, place = self._main_command()
        if program != self.main:  # without the options of the main program, such as `-nk 4`
            words = [*words[:place], str(Path(words[place]).with_name(program))]
        for word in (words[0], words[place]):
            if not shutil.which(word):
                raise InputError(f"{word} is not there, or cannot be run: {self._advice()}")
        needs = current_job().resources
        if place == 0 and self.launches:
            threads = [f"OMP_NUM_THREADS={needs.threads_per_rank}"] if needs and needs.threads_per_rank > 1 else []
            return [*(["env", *threads] if threads else []), str(shutil.which(words[0])), *words[1:]]
        if place == 0:
            from adatom.execution.mpi import mpi_command  # which imports pydantic

            return mpi_command(*words)
        if needs and needs.ranks > 1:
            raise InputError(
                f"The job asks for {needs.ranks} ranks, but the command of {self.code} has a launcher of its own: "
                f"{shlex.join(words)!r}. Take the launcher off: it comes from the job's resources."
            )
        return words

    def _main_command(self) -> tuple[list[str], int]:
        """Return the words of the command of the main program, and the place of that program among them."""
        command = self.configured("command") or get_settings().commands.get(self.code) or self.main
        words = [os.path.expanduser(word) for word in shlex.split(command)]
        for place, word in enumerate(words):
            name = Path(word).name
            if name == self.main or (self.named and re.fullmatch(self.named, name)):
                return words, place
        raise InputError(
            f"The command of {self.code} is {shlex.join(words)!r}, which has no {self.main}: {self._advice()}"
        )

    def data_dir(self, *defaults: str | Path | None, key: str) -> Path:
        """Return the directory of the code's data files.

        Parameters
        ----------
        *defaults
            Directories to try in this order if neither ASE's configuration nor the settings name one; None is skipped.
        key
            Key of the directory in ASE's configuration.

        Raises
        ------
        InputError
            None of the directories exists.
        """
        said = self.configured(key) or get_settings().data_dirs.get(self.code)
        places = [said] if said else [place for place in defaults if place]
        found = next((path for place in places if (path := Path(place).expanduser().absolute()).is_dir()), None)
        if found is None:
            raise InputError(
                f"There is no directory {' or '.join([*map(str, places)] or ['set'])} for {key} of {self.code}. "
                f"Set ADATOM_DATA_DIRS__{self.code.upper()}, or get it: {self.install}"
            )
        return found

    def configured(self, key: str) -> str | None:
        """Return a value from the section of the code in ASE's configuration, or None.

        Parameters
        ----------
        key
            Key in the section of the code.
        """
        from ase.config import cfg

        return cfg.parser.get(self.code, key, fallback=None)

    def _advice(self) -> str:
        return (
            f"set ADATOM_COMMANDS__{self.code.upper()} to the path of {self.main}, or `command` in [{self.code}] of "
            f"ASE's configuration, or get it: {self.install}"
        )


def shared_cores(code: str) -> int:
    """Return the number of cores of the current job for a program that runs on one node.

    Parameters
    ----------
    code
        Name of the code, for the message.

    Raises
    ------
    InputError
        The job has several nodes.
    """
    needs = current_job().resources
    if needs and needs.nodes > 1:
        raise InputError(
            f"The job asks for {needs.nodes} nodes, and {code} runs on one. Ask for more cores of one node."
        )
    return needs.cores_per_node if needs else 1


def megabytes(part: float = 0.8) -> int | None:
    """Return a part of the memory that the current job asks for on each node, in MB; None if it asks for none.

    Parameters
    ----------
    part
        Part for what the program allocates; the rest is for the program itself.
    """
    needs = current_job().resources
    return int(needs.memory * part / 2**20) if needs and needs.memory else None


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

    Parameters
    ----------
    name
        Name of the program, for messages.
    command, directory, output, errors, stdin, watch
        Same as in `started`.
    more
        Names of further files in `directory` to which a failing program writes messages.
    done
        Text that the program prints only at its end.
    fine
        Exit statuses after which the output is worth reading.

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
    with started(command, directory, output=output, errors=errors, stdin=stdin, watch=watch) as process:
        status = process.wait()
    text = (directory / output).read_text(errors="replace")
    if status in fine and done in text:
        return text
    said = f"{name} {ending(status)}{'' if done in text else ', before its end'}"
    raise failure_of(said, directory, output, errors, *more)


@contextmanager
def started(
    command: Sequence[str],
    directory: Path,
    *,
    output: str,
    errors: str,
    stdin: str | None = None,
    watch: Callable[[], None] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a directory, and end it if the block raises.

    The program inherits the environment, with ``OMP_NUM_THREADS=1`` unless the variable is set. On one node it has a
    ``TMPDIR`` of its own, which is removed after it: Open MPI's files of programs that start at once would meet there.

    Parameters
    ----------
    command
        Words of the command that starts the program.
    directory
        Working directory of the program.
    output, errors
        Names of the files in `directory` for standard output and standard error.
    stdin
        Name of the file in `directory` for standard input. None: standard input is empty.
    watch
        Function that is called several times a second while something waits for the program. None: nothing watches it.

    Yields
    ------
    subprocess.Popen
        Process of the program.
    """
    with (
        (directory / output).open("wb") as out,
        (directory / errors).open("wb") as err,
        Path(directory / stdin if stdin else os.devnull).open("rb") as given,
        _own_temporary_directory() as temporary,
    ):
        process = _Watched(
            command,
            cwd=directory,
            env={"OMP_NUM_THREADS": "1", **os.environ, **temporary},
            stdin=given,
            stdout=out,
            stderr=err,
        )
        process.watch = watch
        try:
            yield process
        except BaseException:
            end(process)
            raise


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program, and return when it has ended.

    Parameters
    ----------
    process
        Process of the program, which may have ended already.
    """
    process.terminate()  # no kill: a killed launcher cannot stop its ranks
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Watched(subprocess.Popen[bytes]):
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
