"""Calculators that write files, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ase.calculators.calculator import FileIOCalculator
from ase.calculators.genericfileio import GenericFileIOCalculator

from adatom.execution.directories import RunDirectory, run_directory

__all__ = ["own_directory", "writes_files"]


def writes_files(calculator: Any) -> bool:
    """Whether a calculator runs a program in its directory.

    Parameters
    ----------
    calculator
        An ASE calculator.
    """
    # Vasp and others of ASE's are neither of the two classes, and have the command that they run.
    return isinstance(calculator, FileIOCalculator | GenericFileIOCalculator) or hasattr(calculator, "command")


@contextmanager
def own_directory(calculator: Any, name: str) -> Iterator[RunDirectory]:
    """Where a calculator works on one structure: never in the working directory, nor where another one does.

    Parameters
    ----------
    calculator
        An ASE calculator. One that writes no files keeps the directory that it has.
    name
        What to call the directory.

    Yields
    ------
    RunDirectory
        The directory of the calculator while the block lasts.
    """
    if not writes_files(calculator):
        yield RunDirectory(getattr(calculator, "directory", "."))  # as it is: ASE makes any other
        return
    with run_directory(name) as directory:
        calculator.directory = directory.path
        yield directory
