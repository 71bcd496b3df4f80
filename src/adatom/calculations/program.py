"""A program that works on the files of an earlier run."""

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
        The structure of the earlier run.
    program
        What has ``parameters``, a ``directory``, a method ``calculate`` as ASE's calculators have it, and then
        ``results``.
    name
        What the run is called.
    copy_files
        The files: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    linked
        Patterns of names of those files that the program only reads: hard links do where the disk has them.

    Returns
    -------
    ProgramResult
        With the program's ``results``.

    Raises
    ------
    InputError
        Bad input, or files that are not there, found before anything is run.
    ProgramError
        The program failed.
    """
    with calculation(name, atoms, program, copy_files, linked=linked) as run:
        program.calculate(run.atoms, [], [])
        document = run.result(converged=True)
        kept = {key: value for key, value in document.items() if key in ProgramResult.__required_keys__}
        return cast(ProgramResult, {**kept, "results": program.results})
