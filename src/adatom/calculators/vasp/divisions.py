"""Programs that divide the electrons of a run of VASP among its atoms, one row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adatom.calculators.vasp.bader import FILES, bader_charges, bader_command
from adatom.calculators.vasp.chargemol import chargemol_charges, chargemol_command

__all__ = ["DIVISIONS", "FILES", "Division"]


class Division(NamedTuple):
    """A program that divides electrons among atoms.

    Attributes
    ----------
    find
        Function of whether it is an error if the program is not there; it returns the command, or None.
    divide
        Function of the directory of a run, the command, the number of atoms of each potential, and the place of each
        atom in the files of VASP; it returns the entry of the result.
    """

    find: Callable[[bool], Any]
    divide: Callable[[Path, Any, Sequence[int], Sequence[int]], dict[str, Any]]


DIVISIONS = {
    "bader": Division(bader_command, bader_charges),
    "chargemol": Division(chargemol_command, chargemol_charges),
}
