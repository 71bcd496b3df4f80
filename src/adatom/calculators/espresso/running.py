"""Execution of Quantum ESPRESSO's programs."""

from __future__ import annotations

from pathlib import Path

from adatom.calculators.espresso.stopping import STOPPED, stopped
from adatom.calculators.programs import Programs
from adatom.calculators.running import run_program
from adatom.errors import ConvergenceError, ProgramError

__all__ = ["DONE", "PROGRAMS", "check_scf", "run"]

PROGRAMS = Programs("espresso", "pw.x", "apt-get install quantum-espresso quantum-espresso-data")

DONE = "JOB DONE."

# Exit statuses of pw.x after an SCF or a relaxation that did not converge.
_UNCONVERGED = (2, 3)


def run(
    program: str, directory: Path, input: str, output: str, errors: str, done: str = DONE, limited: bool = False
) -> str:
    """Run a program to its end.

    Parameters
    ----------
    program
        Name of the program, such as ``"pw.x"``.
    directory
        Working directory of the program.
    input, output, errors
        Names of the files for input, standard output and standard error in `directory`.
    done
        Text that the program prints only at its end.
    limited
        Whether the program has a limit from `time_limit`.

    Returns
    -------
    str
        Standard output of the program.

    Raises
    ------
    IncompleteError
        The time of the job ran out.
    ProgramError
        The program failed, its output is incomplete, or it stopped at a limit of the user.
    """
    try:
        text = run_program(
            program,
            [*PROGRAMS.command(program), "-in", input],
            directory,
            output=output,
            errors=errors,
            more=("CRASH",),
            done=done,
            fine=(0, *_UNCONVERGED),
        )
    except ProgramError:  # a program that stops in time has various exit statuses
        text = (directory / output).read_text(errors="replace")
        if STOPPED not in text:
            raise
    if STOPPED in text:
        raise stopped(program, directory, limited)
    return text


def check_scf(text: str) -> None:
    """Refuse a result of pw.x whose last SCF did not converge.

    Parameters
    ----------
    text
        What pw.x printed.

    Raises
    ------
    ConvergenceError
        It did not converge.
    """
    if text.rfind("convergence has been achieved") <= text.rfind("convergence NOT achieved"):
        raise ConvergenceError(
            "The SCF of pw.x did not converge. Raise electron_maxstep, lower mixing_beta, or use a preset with "
            "smearing."
        )
