"""Calculators that write files, and their directories."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ase.calculators.calculator import FileIOCalculator
from ase.calculators.genericfileio import GenericFileIOCalculator

from adatom.execution.directories import RunDirectory, run_directory

__all__ = ["own_directory", "writes_files"]


def writes_files(calculator: Any) -> bool:
    """Return whether a calculator runs a program in its directory.

    Parameters
    ----------
    calculator
        Instance of an ASE calculator.
    """
    # Vasp and some other calculators of ASE belong to neither class, but have an attribute `command`.
    return isinstance(calculator, FileIOCalculator | GenericFileIOCalculator) or hasattr(calculator, "command")


@contextmanager
def own_directory(calculator: Any, name: str) -> Iterator[RunDirectory]:
    """Give a calculator a directory in which no other calculator works, and never the working directory.

    Parameters
    ----------
    calculator
        ASE calculator. One that writes no files keeps its directory.
    name
        Name of the new directory.

    Yields
    ------
    RunDirectory
        Directory of the calculator within the block.
    """
    if not writes_files(calculator):
        yield RunDirectory(getattr(calculator, "directory", "."))  # unchanged: ASE would create another one
        return
    with run_directory(name) as directory:
        calculator.directory = directory.path
        yield directory
