"""The programs of a code: where they are, and how they are started and watched."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adatom.errors import InputError, ProgramError, StorageError
from adatom.execution.context import current_job
from adatom.execution.mpi import mpi_command
from adatom.settings import get_settings

__all__ = ["Programs", "run_program"]


_BACKTRACE = re.compile(r"\s*(#\d+\s|at \S+:\d+$)")  # gfortran's, which pushes out what it is about


@dataclass(frozen=True)
class Programs:
    """The programs of a code, which stand side by side.

    ASE's configuration comes before the settings of adatom, and these before what is on the ``PATH``.

    Attributes
    ----------
    code
        The code, as ASE's configuration and the settings `commands` and `data_dirs` have it.
    main
        The program that ``command`` in ASE's configuration starts.
    install
        How to get them.
    """

    code: str
    main: str
    install: str

    def command(self, program: str | None = None) -> list[str]:
        """What starts a program on the ranks of the job that this code is part of.

        Parameters
        ----------
        program
            Its name; None: the main one.

        Raises
        ------
        InputError
            It is not there, or a launcher in the configuration leaves the job no choice of its ranks.
        """
        program = program or self.main
        said = self.configured("command") or get_settings().commands.get(self.code) or self.main
        words = [os.path.expanduser(word) for word in shlex.split(said)]
        place = next((i for i, word in enumerate(words) if Path(word).name == self.main), None)
        if place is None:
            raise InputError(
                f"The command of {self.code} is {shlex.join(words)!r}, which has no {self.main}: {self._advice()}"
            )
        options = words[place + 1 :] if program == self.main else []  # such as `-nk 4`
        words = [*words[:place], str(Path(words[place]).with_name(program)), *options]
        for word in (words[0], words[place]):
            if not shutil.which(word):
                raise InputError(f"{word} is not there, or cannot be run: {self._advice()}")
        if place == 0:
            return mpi_command(*words)
        needs = current_job().resources
        if needs and needs.ranks > 1:
            raise InputError(
                f"The job asks for {needs.ranks} ranks, but the command of {self.code} has a launcher of its own: "
                f"{shlex.join(words)!r}. Take the launcher off: it comes from the job's resources."
            )
        return words

    def data_dir(self, *defaults: str | Path | None, key: str) -> Path:
        """Where the code's data files are: the first of the places that says so.

        Parameters
        ----------
        *defaults
            Where to look if neither ASE's configuration nor the settings say.
        key
            What ASE's configuration calls it.

        Raises
        ------
        InputError
            It is nowhere.
        """
        said = self.configured(key) or get_settings().data_dirs.get(self.code)
        places = [said] if said else [place for place in defaults if place]
        found = next((path for place in places if (path := Path(place).expanduser().absolute()).is_dir()), None)
        if found is None:
            raise InputError(
                f"There is no directory {' or '.join(map(str, places))} for {key} of {self.code}. "
                f"Set ADATOM_DATA_DIRS__{self.code.upper()}, or get it: {self.install}"
            )
        return found

    def configured(self, key: str) -> str | None:
        """What ASE's configuration says of the code.

        Parameters
        ----------
        key
            A key of its section.
        """
        from ase.config import cfg

        return cfg.parser.get(self.code, key, fallback=None)

    def _advice(self) -> str:
        return (
            f"set ADATOM_COMMANDS__{self.code.upper()} to the path of {self.main}, or `command` in [{self.code}] of "
            f"ASE's configuration, or get it: {self.install}"
        )


def run_program(
    name: str,
    command: Sequence[str],
    directory: Path,
    *,
    output: str,
    errors: str,
    more: Sequence[str] = (),
    done: str = "",
    fine: Sequence[int] = (0,),
) -> str:
    """Run a program in a directory, and see how it ends.

    Parameters
    ----------
    name
        The program, for the message.
    command
        What starts it, and its arguments.
    directory
        Where it runs.
    output, errors
        Names of the files for what it prints.
    more
        Names of files in which it leaves its last words, too.
    done
        What it prints only at its end.
    fine
        The exit statuses after which its output is worth reading.

    Returns
    -------
    str
        What it printed.

    Raises
    ------
    ProgramError
        It ended otherwise; the message has its last words.
    StorageError
        The same, on a disk that is full.
    """
    variables = {"OMP_NUM_THREADS": "1", **os.environ}
    with (directory / output).open("wb") as out, (directory / errors).open("wb") as err:
        process = subprocess.Popen(
            command, cwd=directory, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        try:
            status = process.wait()
        except BaseException:
            process.terminate()  # politely: of a launcher's ranks a kill would tell nobody
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            raise
    text = (directory / output).read_text(errors="replace")
    if status in fine and done in text:
        return text
    said = f"{name} {_said(status)}{'' if done in text else ', before its end'}"
    ends = [f"{file}:\n{end}" for file in (output, errors, *more) if (end := _end(directory / file))]
    if shutil.disk_usage(directory).free < 4096:
        raise StorageError("\n".join([f"{said}: the disk is full. Make room, or set ADATOM_RESULTS_DIR.", *ends]))
    raise ProgramError("\n".join([f"{said}.", *ends]))


def _said(status: int) -> str:
    # A shell or launcher says 128 and the signal.
    number = -status if status < 0 else status - 128
    try:
        return f"was killed by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with exit status {status}"


def _end(file: Path, lines: int = 12) -> str:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - 8192))
            text = opened.read().decode(errors="replace")
    except OSError:
        return ""
    said = [line.rstrip() for line in text.splitlines() if line.strip(" %\t=-") and not _BACKTRACE.match(line)]
    return "\n".join(f"  {line}" for line in said[-lines:])
