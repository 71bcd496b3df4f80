"""Charges, moments and bond orders by DDEC6 from the densities of a run of VASP, by the program Chargemol."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import Bohr

from adatom.calculators.programs import Programs
from adatom.calculators.running import run_program
from adatom.calculators.vasp.bader import FILES
from adatom.calculators.vasp.potentials import net_charge
from adatom.errors import InputError, ProgramError

__all__ = ["chargemol_charges", "chargemol_command"]

# It has threads and no ranks, so that it gets no launcher of the job's.
_PROGRAMS = Programs(
    "chargemol",
    "chargemol",
    "https://sourceforge.net/projects/ddec",
    launches=True,
    named=r"[Cc]hargemol_[\w.]+",
)
_UNREADABLE = ("SHA256", "COPYR")  # lines of newer potentials that Chargemol takes for something else


def chargemol_command(required: bool) -> tuple[list[str], Path] | None:
    """Return the command that starts the program, and the directory with its densities of atoms.

    Parameters
    ----------
    required
        Whether it is an error if one of them is not there; otherwise None is returned.

    Raises
    ------
    InputError
        The program or the directory is not there.
    """
    try:
        return _PROGRAMS.command(), _PROGRAMS.data_dir(
            os.environ.get("DDEC6_ATOMIC_DENSITIES_DIR"), key="atomic_densities"
        )
    except InputError:
        if required:
            raise
        return None


def chargemol_charges(
    directory: Path, command: tuple[Sequence[str], Path], numbers: Sequence[int], order: Sequence[int]
) -> dict[str, Any]:
    """Divide the electrons of a run among its atoms by DDEC6.

    The files of the program stay in the directory ``chargemol``, without the densities.

    Parameters
    ----------
    directory
        Directory of the run, with its densities, POTCAR and OUTCAR.
    command
        What `chargemol_command` returned.
    numbers
        Number of atoms of each potential in POTCAR.
    order
        Place of each atom in the files of VASP.

    Returns
    -------
    dict
        What `adatom.schemas.results.Result` has as ``chargemol``.

    Raises
    ------
    ProgramError
        The program failed, or its output is not what is expected.
    """
    words, densities = command
    place = directory / "chargemol"
    place.mkdir(exist_ok=True)
    for file in place.glob("*.xyz"):  # of a run before this one
        file.unlink()
    (place / "job_control.txt").write_text(_job_control(densities, net_charge(directory, numbers)))
    potentials = (directory / "POTCAR").read_text(errors="replace").splitlines(keepends=True)
    links = [place / name for name in (*FILES, "POTCAR")]
    try:
        for link in links[:-1]:
            link.unlink(missing_ok=True)
            link.symlink_to(directory.absolute() / link.name)
        links[-1].write_text("".join(line for line in potentials if not any(key in line for key in _UNREADABLE)))
        run_program("chargemol", words, place, output="chargemol.out", errors="chargemol.err")
    finally:
        for link in links:
            link.unlink(missing_ok=True)
    return _read(place, np.asarray(order, int))


def _job_control(densities: Path, charge: float) -> str:
    """Return the input of the program. VASP's cell is periodic along all its vectors."""
    said = {
        "net charge": f"{charge:.6f}",
        "periodicity along A, B, and C vectors": "\n".join([".true."] * 3),
        "atomic densities directory complete path": f"{densities}/",
        "charge type": "DDEC6",
        "compute BOs": ".true.",
    }
    return "\n".join(f"<{key}>\n{value}\n</{key}>\n" for key, value in said.items())


def _read(place: Path, order: np.ndarray[Any, np.dtype[np.int_]]) -> dict[str, Any]:
    """Return what the program wrote, in the order of the atoms that the user gave."""
    from pymatgen.command_line.chargemol_caller import ChargemolAnalysis  # which takes seconds

    try:
        with warnings.catch_warnings(action="ignore"):  # that no density is beside the output
            found = ChargemolAnalysis(str(place), run_chargemol=False)
        columns = {
            "charges": found.ddec_charges,
            "dipoles": found.dipoles,
            "magmoms": found.ddec_spin_moments,
            "bond_orders": found.bond_order_sums,
        }
        values = {key: np.array(column, float) for key, column in columns.items() if column}
        if short := [key for key, column in values.items() if len(column) != len(order)]:
            raise ValueError(f"{', '.join(short)} of {len(values[short[0]])} of {len(order)} atoms")
        document: dict[str, Any] = {key: column[order] for key, column in values.items()}
        document["dipoles"] *= Bohr
        if found.bond_order_dict:
            given = np.argsort(order).tolist()
            document["bonds"] = [
                {"atoms": [given[one], given[bond["index"]]], "cell": [*bond["direction"]], "order": bond["bond_order"]}
                for one, atom in found.bond_order_dict.items()
                for bond in atom["bonded_to"]
            ]
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise ProgramError(f"chargemol ended, but its files in {place} are not whole: {error}.") from error
    return document
