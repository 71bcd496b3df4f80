"""Programs of Quantum ESPRESSO that work on the files of an earlier run."""

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
CHARGE = "pwscf.save/[!w]*"  # the charge density and the files beside it, but no wave functions
# Large files that none of these programs writes into, unlike pw.x itself: they are linked, not copied.
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
        Result or directory of the earlier run. Its files are copied and stay as they are.
    program
        Name of the program, such as ``"ph.x"``.
    files
        Pattern of the files that the program needs, in the directory of the earlier run.
    read
        Function that reads the results from the directory of the program.
    defaults
        Keywords that the job sets, which `input_data` overrides. None: no keywords.
    input_data
        Keywords of the program and their values, with or without their namelists, in the units of Quantum ESPRESSO.
    cards
        Lines of the input that follow the namelists.
    done
        Text that the program prints only at its end.
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
