"""Programs of a code: their place, and what they may use of a node."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from adatom.errors import InputError
from adatom.execution.context import current_job
from adatom.settings import get_settings

__all__ = ["Programs", "megabytes", "shared_cores"]


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

    def command(self, program: str | None = None, beside: Path | None = None) -> list[str]:
        """Return the command that starts a program on the ranks of the current job.

        Parameters
        ----------
        program
            Name of the program; None: the main program.
        beside
            Path of the main program where nothing names it and it is not on the ``PATH``; None: there is no such path.

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
        if beside and words == [self.main] and not shutil.which(self.main):
            words = [str(beside)]
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
