"""How Quantum ESPRESSO's programs are run."""

from __future__ import annotations

from pathlib import Path

from adatom.calculators.espresso.stopping import STOPPED, stopped
from adatom.calculators.programs import Programs, run_program
from adatom.errors import ProgramError

__all__ = ["DONE", "PROGRAMS", "run"]

PROGRAMS = Programs("espresso", "pw.x", "apt-get install quantum-espresso quantum-espresso-data")

DONE = "JOB DONE."

# What pw.x ends with when the SCF, or a relaxation, did not converge.
_UNCONVERGED = (2, 3)


def run(
    program: str, directory: Path, input: str, output: str, errors: str, done: str = DONE, limited: bool = False
) -> str:
    """Run a program to its end.

    Parameters
    ----------
    program
        Its name, such as ``"pw.x"``.
    directory
        Where it runs.
    input, output, errors
        Names of the files there.
    done
        What it prints only at its end.
    limited
        Whether it was told to stop when the time of its job is over.

    Returns
    -------
    str
        What it printed.

    Raises
    ------
    IncompleteError
        The time of its job was over.
    ProgramError
        It failed, or its output is not whole.
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
    except ProgramError:  # where it stops in time, the exit status depends on the program and on what it was doing
        text = (directory / output).read_text(errors="replace")
        if STOPPED not in text:
            raise
    if STOPPED in text:
        raise stopped(program, directory, limited)
    return text
