"""Programs that work on the files of an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ase import Atoms

from adatom.calculations.calculation import calculation
from adatom.calculations.copy_files import CopyFiles
from adatom.schemas.results import ProgramResult

__all__ = ["run_on_files"]


def run_on_files(
    atoms: Atoms, program: Any, *, name: str, copy_files: CopyFiles, linked: Sequence[str] = ()
) -> ProgramResult:
    """Run a program on copies of the files of an earlier run, which stays as it is.

    Parameters
    ----------
    atoms
        Structure of the earlier run.
    program
        Object with ``parameters``, a ``directory``, a method ``calculate`` like that of ASE's calculators and, after
        its call, ``results``.
    name
        Name of the run and of its directory.
    copy_files
        Files to copy: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    linked
        Patterns of names of files that the program only reads: hard links replace copies where possible.

    Returns
    -------
    ProgramResult
        Result with the ``results`` of the program.

    Raises
    ------
    InputError
        Bad input, or files that do not exist, found before anything is run.
    ProgramError
        The program failed.
    """
    with calculation(name, atoms, program, copy_files, linked=linked) as run:
        program.calculate(run.atoms, [], [])
        document = run.result(converged=True)
        keys = {*ProgramResult.__required_keys__, "corrections"}
        kept = {key: value for key, value in document.items() if key in keys}
        return cast(ProgramResult, {**kept, "results": program.results})
