"""Files that ph.x, q2r.x and matdyn.x write, read as plain data with ASE's units unless others are named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from ase import units

from adatom.calculators.espresso.reading import read_plotband
from adatom.calculators.espresso.xml import child, numbers
from adatom.errors import ProgramError

__all__ = ["read_dielectric", "read_force_constants", "read_matdyn", "read_phonons"]


def read_phonons(directory: Path) -> dict[str, Any]:
    """Return the phonons that ph.x wrote.

    Parameters
    ----------
    directory
        Directory in which ph.x ran.

    Returns
    -------
    dict
        ``qpoints``, Cartesian, in 2π/alat, shape (Q, 3), and ``frequencies`` in cm⁻¹, shape (Q, 3N), imaginary ones
        negative, of the q points that are done; ``irreps``: the number of irreducible representations of each q point.
        ``born_charges`` and ``dielectric`` as `read_dielectric` returns them, where ph.x computed them.

    Raises
    ------
    ProgramError
        The program has not prepared all q points.
    """
    files = sorted(directory.glob("dyn*"), key=lambda file: (len(file.name), file.name))
    found = [one for file in files if (one := _dynamical_matrix(file.read_text()))]
    irreps = _irreps(directory / "_ph0" / "pwscf.phsave")
    return {
        "qpoints": np.array([point for point, _ in found]).reshape(-1, 3),
        "frequencies": np.array([frequencies for _, frequencies in found]),
        "irreps": irreps,
        **_tensors(directory),
    }


def read_dielectric(directory: Path) -> dict[str, Any]:
    """Return the response to an electric field that ph.x computed.

    Parameters
    ----------
    directory
        Directory in which ph.x ran.

    Returns
    -------
    dict
        ``born_charges`` in e, shape (N, 3, 3), the first index of which is that of the field, and ``dielectric``, the
        electronic dielectric tensor, shape (3, 3), both Cartesian.

    Raises
    ------
    ProgramError
        The program has not computed them.
    """
    found = _tensors(directory)
    if not found:
        raise ProgramError("ph.x computed no Born charges and dielectric tensor.")
    return found


def _tensors(directory: Path) -> dict[str, Any]:
    file = directory / "_ph0" / "pwscf.phsave" / "tensors.xml"
    root = ElementTree.parse(file).getroot() if file.exists() else ElementTree.Element("none")
    tensor, charges = (root.find(f"EF_TENSORS/{key}") for key in ("DIELECTRIC_CONSTANT", "EFFECTIVE_CHARGES_EU"))
    if tensor is None or charges is None:
        return {}
    # Fortran's order: the first index of an array runs fastest.
    return {
        "born_charges": np.reshape(numbers(charges), (-1, 3, 3)).swapaxes(1, 2),
        "dielectric": np.reshape(numbers(tensor), (3, 3)).T,
    }


def _irreps(save: Path) -> list[int]:
    """Return the number of irreducible representations of each q point, all of which ph.x must have prepared."""
    patterns = sorted(save.glob("patterns.*.xml"), key=lambda file: int(file.name.split(".")[1]))
    irreps = [int(child(ElementTree.parse(file).getroot(), ".//NUMBER_IRR_REP").text or 0) for file in patterns]
    control = save / "control_ph.xml"
    wanted = child(ElementTree.parse(control).getroot(), ".//NUMBER_OF_Q_POINTS").text if control.exists() else None
    if wanted is None or len(irreps) != int(wanted):
        raise ProgramError(f"ph.x prepared {len(irreps)} q points of {(wanted or '?').strip()}.")
    return irreps


def _dynamical_matrix(text: str) -> tuple[list[float], list[float]] | None:
    _, _, end = text.partition("Diagonalizing the dynamical matrix")
    point = re.search(r"q = \( +(\S+) +(\S+) +(\S+) +\)", end)
    if not point:
        return None  # the list of q points
    return [float(word) for word in point.groups()], [float(word) for word in re.findall(r"= +(\S+) \[cm-1\]", end)]


def read_force_constants(directory: Path) -> dict[str, Any]:
    """Return the force constants that q2r.x wrote.

    Parameters
    ----------
    directory
        Directory in which q2r.x ran.

    Returns
    -------
    dict
        ``force_constants`` in eV/Å², shape (N, N, 3, 3, n1, n2, n3), between an atom and one in a cell of the supercell
        n1 × n2 × n3.

    Raises
    ------
    ProgramError
        The file has no force constants.
    """
    text = (directory / "q2r.fc").read_text()
    mesh = re.search(r"^ +(\d+) +(\d+) +(\d+)\n((?: +\d+){4})\n", text, re.MULTILINE)
    if not mesh:
        raise ProgramError("q2r.x wrote no force constants.")
    n1, n2, n3 = (int(word) for word in mesh.groups()[:3])
    blocks = text[mesh.start(4) :].split("\n")
    size = 1 + n1 * n2 * n3
    atoms = int(text.split()[1])
    constants = np.zeros((atoms, atoms, 3, 3, n1, n2, n3))
    for start in range(0, size * 9 * atoms**2, size):
        i, j, a, b = (int(word) - 1 for word in blocks[start].split())
        rows = np.array([line.split() for line in blocks[start + 1 : start + size]], dtype=float)
        cells = rows[:, :3].astype(int) - 1
        constants[(a, b, i, j, *cells.T)] = rows[:, 3]
    return {"force_constants": constants * units.Ry / units.Bohr**2}


def read_matdyn(directory: Path) -> dict[str, Any]:
    """Return the phonons that matdyn.x wrote.

    Parameters
    ----------
    directory
        Directory in which matdyn.x ran.

    Returns
    -------
    dict
        ``qpoints`` and ``frequencies`` as `read_phonons` returns them. With a density of states also
        ``dos_frequencies`` in cm⁻¹, shape (F,), and ``dos`` in states per cm⁻¹, shape (F,), 3N in all.
    """
    points, values = read_plotband(directory / "matdyn.freq")
    results: dict[str, Any] = {"qpoints": points, "frequencies": values}
    if (directory / "matdyn.dos").exists():
        table = np.loadtxt(directory / "matdyn.dos").T
        results |= {"dos_frequencies": table[0], "dos": table[1]}
    return results
