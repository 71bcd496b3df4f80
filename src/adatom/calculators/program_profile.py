"""The program of a calculator of ASE that writes files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adatom.calculators.over_socket import SocketClient
from adatom.calculators.programs import Programs
from adatom.calculators.running import failure_of, run_program
from adatom.errors import ConvergenceError, ProgramError

__all__ = ["ProgramProfile"]

# What the operating system and licence managers say, whatever the program, and what helps.
_CAUSES = {
    r"insufficient virtual memory|[Oo]ut of memory|[Cc]annot allocate memory|bad_alloc|[Ee]rror (in )?allocating": (
        "Give the job more memory, or more nodes."
    ),
    r"FLEXlm|FlexNet|[Ll]icen[cs]e server": "The licence server is silent, or has no licence left: ask who runs it.",
}


@dataclass(frozen=True)
class ProgramProfile:
    """Profile of a calculator of ASE, which starts the program on the ranks of the job and checks its end.

    Attributes
    ----------
    programs
        Program of the calculator, and where it is found.
    output
        Name of the file for its standard output.
    done
        Text that the program prints only at the end of a run without errors.
    unconverged
        Regular expression for what the program prints when the SCF did not converge; empty for a program without SCF.
    advice
        What to change then.
    takes_input
        Whether the program takes the name of its input file as an argument, where ASE gives that name to `run`.
    more
        Names of further files that the program writes its messages to.
    causes
        What helps when the program gives up, by regular expressions for what it prints then. Too little memory and a
        silent licence server are known for all programs.
    times
        How often the program prints `done`: once for each part of an input that has several.
    """

    programs: Programs
    output: str
    done: str
    unconverged: str = ""
    advice: str = ""
    takes_input: bool = False
    more: Sequence[str] = ()
    causes: Mapping[str, str] = field(default_factory=dict)
    times: int = 1

    def check(self) -> ProgramProfile:
        """Return this profile if the program can be started.

        Raises
        ------
        InputError
            The program does not exist, or its launcher conflicts with the ranks of the job.
        """
        self.programs.command()
        return self

    @property
    def command(self) -> str:
        """Command of the program, as ASE's calculators show it."""
        return shlex.join(self.programs.command())

    @property
    def errors(self) -> str:
        """Name of the file for standard error of the program."""
        return f"{self.programs.main}.err"

    def client(self, write: Callable[[Any, Any, list[str], str], Sequence[str]], **more: Any) -> SocketClient:
        """Return how the program takes structures over a socket.

        Parameters
        ----------
        write, **more
            Same as in `SocketClient`.
        """
        return SocketClient(write, self.output, self.errors, self._check_text, self._failure, **more)

    def execute(self, calculator: Any) -> None:
        """Run the program on the files of a calculator, as ASE's calculators call it.

        Parameters
        ----------
        calculator
            Calculator that has written its input.

        Raises
        ------
        ProgramError
            The program ended with an error.
        ConvergenceError
            The SCF did not converge.
        StorageError
            The disk is full.
        """
        rules = calculator.fileio_rules
        words = [word.format(prefix=calculator.prefix) for word in rules.extend_argv]
        stdin = rules.stdin_name and rules.stdin_name.format(prefix=calculator.prefix)
        self.start(Path(calculator.directory).absolute(), *words, stdin=stdin)

    def run(self, directory: Path, inputfile: str | None, outputfile: str, errorfile: str | None = None) -> None:
        """Run the program, as ASE's templates call it, with the files of this profile.

        Parameters
        ----------
        directory
            Directory of the files.
        inputfile
            Name of the input file.
        outputfile, errorfile
            Not used: `output` counts.
        """
        self.start(Path(directory).absolute(), *([inputfile] if self.takes_input and inputfile else []))

    def start(self, directory: Path, *words: str, stdin: str | None = None) -> None:
        """Run the program in a directory.

        Parameters
        ----------
        directory
            Directory of the files.
        *words
            Arguments of the program.
        stdin
            Name of the file for its standard input. None: it is empty.
        """
        program, command, files = self.programs.main, [*self.programs.command(), *words], (self.output, *self.more)
        errors = self.errors
        try:
            run_program(program, command, directory, output=self.output, errors=errors, more=self.more, stdin=stdin)
        except ProgramError as error:
            self._check_convergence(directory, files, error)
            if advice := self._advice_for(directory, *files, errors):
                raise ProgramError(f"{error}\n{advice}") from error
            raise
        text = self._check_convergence(directory, files)
        if text.count(self.done) < self.times:
            raise self._failure(directory, "ended without a result")

    def _failure(self, directory: Path, said: str) -> Exception:
        """Return the error for a program that ended without a result, with what helps."""
        files = (self.output, *self.more)
        try:
            self._check_convergence(directory, files)
        except ConvergenceError as error:
            return error
        failed = failure_of(f"{self.programs.main} {said}", directory, *files, self.errors)
        advice = self._advice_for(directory, *files, self.errors)
        return type(failed)(f"{failed}\n{advice}".rstrip())

    def _check_convergence(self, directory: Path, files: Sequence[str], cause: Exception | None = None) -> str:
        """Return the texts of the files, unless they say that the SCF did not converge."""
        text = _text(directory, files)
        self._check_text(text, cause)
        return text

    def _check_text(self, text: str, cause: Exception | None = None) -> None:
        if self.unconverged and re.search(self.unconverged, text):
            raise ConvergenceError(f"The SCF of {self.programs.main} did not converge. {self.advice}") from cause

    def _advice_for(self, directory: Path, *files: str) -> str:
        """Return what helps after what the program printed; empty for a cause that is not known."""
        text = _text(directory, files)
        return next((advice for said, advice in {**self.causes, **_CAUSES}.items() if re.search(said, text)), "")


def _text(directory: Path, files: Sequence[str]) -> str:
    return "\n".join((directory / file).read_text(errors="replace") for file in files if (directory / file).exists())
