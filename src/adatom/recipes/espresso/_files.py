"""What the programs of Quantum ESPRESSO need of an earlier run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.program import run_on_files
from adatom.calculators.espresso.previous_run import PreviousRun, directory_of, structure_of
from adatom.calculators.espresso.program import EspressoProgram
from adatom.calculators.espresso.running import DONE
from adatom.schemas.results import ProgramResult

__all__ = ["CHARGE", "SAVED", "after"]

SAVED = "pwscf.save"
CHARGE = "pwscf.save/[!w]*"  # and what goes with it, but no wave functions
# Files that none of the programs writes into, unlike pw.x itself. They are the large ones.
_ONLY_READ = ("pwscf.save/wfc*.dat", "pwscf.save/charge-density.dat")


def after(
    previous: PreviousRun,
    program: str,
    files: str,
    read: Callable[[Path], dict[str, Any]],
    *,
    defaults: Mapping[str, Any] | None = None,
    input_data: Mapping[str, Any] | None = None,
    cards: str = "",
    done: str = DONE,
    copy_files: CopyFiles = None,
) -> ProgramResult:
    """Run a program on the files of an earlier run.

    Parameters
    ----------
    previous
        The result of the earlier run, or its directory. Its files are copied, and stay as they are.
    program
        The program.
    files
        Those that it needs.
    read
        Reads what it leaves.
    defaults
        Keywords of the job.
    input_data
        Keywords of the program and their values, with or without their namelists, in the units of Quantum ESPRESSO.
    cards
        What follows the namelists.
    done
        What it prints only at its end.
    copy_files
        More files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    """
    made = EspressoProgram(program, input_data, defaults or {}, read, cards, done)
    sources = [(directory_of(previous), files), *(copy_files if isinstance(copy_files, list) else [copy_files])]
    return run_on_files(
        structure_of(previous),
        made,
        name=program.removesuffix(".x"),
        copy_files=[one for one in sources if one],
        linked=_ONLY_READ,
    )
