"""Electrons that the potentials of a run of VASP bring."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from adatom.errors import ProgramError

__all__ = ["net_charge", "valences"]


def valences(potcar: Path, kinds: int) -> list[float]:
    """Return the number of electrons of each potential.

    Parameters
    ----------
    potcar
        POTCAR of a run.
    kinds
        Number of potentials in it.

    Raises
    ------
    ProgramError
        The file has another number of them.
    """
    with potcar.open(errors="replace") as lines:
        found = [float(match[1]) for line in lines if (match := re.search(r"ZVAL\s*=\s*([\d.]+)", line))]
    if len(found) != kinds:
        raise ProgramError(f"{potcar} has {len(found)} lines with ZVAL, for {kinds} potentials.")
    return found


def net_charge(directory: Path, numbers: Sequence[int]) -> float:
    """Return the charge of the cell in e: the electrons of the potentials less NELECT of INCAR, which else is theirs.

    Parameters
    ----------
    directory
        Directory of a run, with INCAR and POTCAR.
    numbers
        Number of atoms of each potential in POTCAR.

    Raises
    ------
    ProgramError
        POTCAR has another number of potentials.
    """
    given = re.search(r"^\s*NELECT\s*=\s*([\d.]+)", (directory / "INCAR").read_text(errors="replace"), re.MULTILINE)
    if given is None:
        return 0.0
    of_potentials = valences(directory / "POTCAR", len(numbers))
    return sum(valence * number for valence, number in zip(of_potentials, numbers, strict=True)) - float(given[1])
