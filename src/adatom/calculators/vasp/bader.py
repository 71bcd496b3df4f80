"""Bader's charges from the densities of a run of VASP, by the program of the Henkelman group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adatom.calculators.programs import Programs
from adatom.calculators.running import run_program
from adatom.calculators.vasp.potentials import valences
from adatom.errors import InputError, ProgramError

__all__ = ["FILES", "bader_charges", "bader_command"]

FILES = ("CHGCAR", "AECCAR0", "AECCAR2")
# It runs on one core, so that it gets no launcher of the job's.
_PROGRAMS = Programs("bader", "bader", "https://theory.cm.utexas.edu/henkelman/code/bader", launches=True)
_COLUMNS = 7  # of ACF.dat: number, position, electrons, distance to the surface of the basin, volume
_TOTALS = {"vacuum_electrons": "VACUUM CHARGE", "vacuum_volume": "VACUUM VOLUME", "total_electrons": "NUMBER OF"}


def bader_command(required: bool) -> list[str] | None:
    """Return the command that starts the program.

    Parameters
    ----------
    required
        Whether it is an error if the program is not there; otherwise None is returned.

    Raises
    ------
    InputError
        The program is not there.
    """
    try:
        return _PROGRAMS.command()
    except InputError:
        if required:
            raise
        return None


def bader_charges(
    directory: Path, command: Sequence[str], numbers: Sequence[int], order: Sequence[int]
) -> dict[str, Any]:
    """Divide the electrons of a run among its atoms, in the basins of the density with that of the cores.

    The files of the program stay in the directory ``bader``, without the densities that are written for it.

    Parameters
    ----------
    directory
        Directory of the run, with `FILES` and POTCAR.
    command
        Words of the command that starts the program.
    numbers
        Number of atoms of each potential in POTCAR.
    order
        Place of each atom in the files of VASP.

    Returns
    -------
    dict
        What `adatom.schemas.results.Result` has as ``bader``.

    Raises
    ------
    ProgramError
        The program failed, or its output is not what is expected.
    """
    from ase.calculators.vasp import VaspChargeDensity  # pymatgen's does the same, and takes seconds to import

    place = directory / "bader"
    place.mkdir(exist_ok=True)
    reference = place / "CHGCAR_sum"
    density, cores = (VaspChargeDensity(str(directory / name)) for name in ("AECCAR2", "AECCAR0"))
    density.chg[-1] += cores.chg[-1]
    _write(density, density.chg[-1], reference)
    try:
        of_charge, totals = _run(command, place, directory / "CHGCAR", reference, len(order))
        of_atoms = of_charge[np.asarray(order, int)]
        neutral = np.repeat(valences(directory / "POTCAR", len(numbers)), numbers)[np.asarray(order, int)]
        found: dict[str, Any] = {
            "electrons": of_atoms[:, 4],
            "charges": neutral - of_atoms[:, 4],
            "volumes": of_atoms[:, 6],
            "distances": of_atoms[:, 5],
            **totals,
        }
        density = VaspChargeDensity(str(directory / "CHGCAR"))
        if len(density.chgdiff) == 1:  # three are those of spin with any direction
            (place / "spin").mkdir(exist_ok=True)
            spins = place / "spin" / "CHGCAR_mag"
            _write(density, density.chgdiff[0], spins)
            of_spin, _ = _run(command, place / "spin", spins, reference, len(order))
            spins.unlink()
            found["magmoms"] = of_spin[np.asarray(order, int), 4]
        return found
    finally:
        reference.unlink()


def _write(density: Any, values: NDArray[np.float64], file: Path) -> None:
    """Write a density on the grid of another one."""
    density.chg, density.chgdiff, density.aug = [values], [], ""
    density.write(str(file), format="chgcar")


def _run(
    command: Sequence[str], place: Path, density: Path, reference: Path, atoms: int
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Return the rows of ACF.dat, shape (N, 7), and the numbers below them."""
    acf = place / "ACF.dat"
    acf.unlink(missing_ok=True)
    words = [*command, str(density), "-ref", str(reference)]
    run_program("bader", words, place, output="bader.out", errors="bader.err")
    text = acf.read_text(errors="replace") if acf.exists() else ""
    rows = [line.split() for line in text.splitlines() if re.match(r"\s*\d+\s", line)]
    totals = {key: re.search(rf"{words}.*:\s*(\S+)", text) for key, words in _TOTALS.items()}
    try:
        numbers = np.array(rows, float)
        below = {key: float(match[1]) for key, match in totals.items() if match}
    except ValueError:  # Fortran prints stars for what does not fit
        numbers, below = np.empty((0, 0)), {}
    if numbers.shape != (atoms, _COLUMNS) or below.keys() != _TOTALS.keys():
        raise ProgramError(f"bader ended, but ACF.dat in {place} is not whole: {len(rows)} of {atoms} atoms.")
    return numbers, below
