"""Files that Quantum ESPRESSO's programs write, read as plain data with ASE's units unless others are named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from ase import Atoms, units

from adatom.errors import ProgramError

__all__ = [
    "read_band_order",
    "read_bands",
    "read_dos",
    "read_force_constants",
    "read_matdyn",
    "read_pdos",
    "read_phonons",
    "read_plot",
    "read_structure",
]


def read_bands(directory: Path) -> dict[str, Any]:
    """Return eigenvalues, from the XML file that pw.x keeps with the wave functions.

    Parameters
    ----------
    directory
        Directory in which pw.x ran.

    Returns
    -------
    dict
        ``kpoints``, in fractions of the reciprocal cell, shape (K, 3), their ``weights``, shape (K,), ``eigenvalues``
        in eV, shape (spins, K, bands), and ``fermi_energy`` in eV; for fixed occupations the highest occupied level;
        None if the file has neither.
    """
    output = _output(directory)
    structure, bands = _found(output, "atomic_structure"), _found(output, "band_structure")
    alat, cell = float(structure.attrib["alat"]), _cell(structure)
    points = bands.findall("ks_energies")
    spins = 2 if _found(bands, "lsda").text.strip() == "true" else 1  # type: ignore[union-attr]
    values = np.array([_numbers(_found(point, "eigenvalues")) for point in points])
    level = next((found for key in _LEVELS if (found := bands.find(key)) is not None), None)
    return {
        "kpoints": np.array([_numbers(_found(point, "k_point")) for point in points]) @ cell.T / alat,
        "weights": np.array([float(_found(point, "k_point").attrib["weight"]) for point in points]),
        "eigenvalues": np.moveaxis(values.reshape(len(points), spins, -1), 1, 0) * units.Ha,
        "fermi_energy": None if level is None else float(level.text or "nan") * units.Ha,
    }


_LEVELS = ("fermi_energy", "highestOccupiedLevel")


def read_structure(directory: Path) -> Atoms:
    """Return the last structure of pw.x, from the same file as `read_bands`.

    Parameters
    ----------
    directory
        Directory in which pw.x ran.
    """
    from ase.io.espresso import label_to_symbol

    structure = _found(_output(directory), "atomic_structure")
    sites = structure.findall("atomic_positions/atom")
    return Atoms(
        [label_to_symbol(site.attrib["name"]) for site in sites],
        positions=np.array([_numbers(site) for site in sites]) * units.Bohr,
        cell=_cell(structure) * units.Bohr,
        pbc=True,
    )


def electrons(directory: Path) -> float:
    """Return the number of electrons of pw.x, from the same file as `read_bands`.

    Parameters
    ----------
    directory
        Directory in which pw.x ran.
    """
    return float(_found(_output(directory), "band_structure/nelec").text or "nan")


def read_dos(directory: Path) -> dict[str, Any]:
    """Return the density of states that dos.x wrote.

    Parameters
    ----------
    directory
        Directory in which dos.x ran.

    Returns
    -------
    dict
        ``energies`` in eV, shape (E,), ``dos`` in states/eV, shape (spins, E), the ``integrated_dos``, shape (E,), and
        the ``fermi_energy`` in eV; None if the file has none.
    """
    file = directory / "dos.dat"
    with file.open() as lines:
        header = next(lines)
    table = np.loadtxt(file).T
    fermi = re.search(r"EFermi *= *(\S+)", header)
    return {
        "energies": table[0],
        "dos": table[1:-1],
        "integrated_dos": table[-1],
        "fermi_energy": float(fermi[1]) if fermi else None,
    }


_PDOS = re.compile(r"pdos_atm#(\d+)\((\w+)\)_wfc#(\d+)\((\w+?)(?:_j([\d.]+))?\)$")


def read_pdos(directory: Path) -> dict[str, Any]:
    """Return the projected densities of states that projwfc.x wrote.

    Parameters
    ----------
    directory
        Directory in which projwfc.x ran.

    Returns
    -------
    dict
        ``energies`` in eV, shape (E,), ``dos`` and its ``projected`` part in states/eV, shape (spins, E), and
        ``projections``: for each atomic wave function ``atom`` (from 0), ``symbol``, ``shell`` (from 0), ``l`` (a
        letter), ``ldos``, shape (spins, E), and ``pdos`` by m, shape (2l + 1, spins, E), in states/eV. The ``charges``
        of atoms by Löwdin, in electrons, shape (N,), and the ``spilling``: the part of the charge that no atom has.
    """
    text = (directory / "projwfc.out").read_text()
    spins = 2 if "spin up" in text else 1
    total = np.loadtxt(directory / "pwscf.pdos_tot").T
    projections = []
    for file in directory.glob("pwscf.pdos_atm*"):
        if not (found := _PDOS.search(file.name)):
            continue
        table = np.loadtxt(file).T[1:]
        projections.append(
            {
                "atom": int(found[1]) - 1,
                "symbol": found[2],
                "shell": int(found[3]) - 1,
                "l": found[4],
                "ldos": table[:spins],
                "pdos": table[spins:].reshape(-1, spins, table.shape[1]),
            }
        )
    charges = dict(re.findall(r"Atom # *(\d+): total charge = *([\d.]+)", text))
    spilling = re.search(r"Spilling Parameter: *(\S+)", text)
    return {
        "energies": total[0],
        "dos": total[1 : 1 + spins],
        "projected": total[1 + spins : 1 + 2 * spins],
        "projections": sorted(projections, key=lambda row: (row["atom"], row["shell"])),
        "charges": np.array([float(charge) for charge in charges.values()]),
        "spilling": float(spilling[1]) if spilling else None,
    }


def read_band_order(directory: Path) -> dict[str, Any]:
    """Return the bands that bands.x wrote.

    Parameters
    ----------
    directory
        Directory in which bands.x ran.

    Returns
    -------
    dict
        ``kpoints``, Cartesian, in 2π/alat, shape (K, 3), and ``eigenvalues`` in eV, shape (K, bands), of bands that
        keep their symmetry where they cross.
    """
    points, values = _plot(directory / "bands.dat")
    return {"kpoints": points, "eigenvalues": values}


def read_plot(directory: Path) -> dict[str, Any]:
    """Return the names of the files that pp.x wrote.

    Parameters
    ----------
    directory
        Directory in which pp.x ran.

    Returns
    -------
    dict
        ``files``: the names in alphabetical order.
    """
    left = {file.name for file in directory.iterdir() if file.is_file()}
    return {"files": sorted(left - {"pp.in", "pp.out", "pp.err", "CRASH", "job.log"})}


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
    }


def _irreps(save: Path) -> list[int]:
    """Return the number of irreducible representations of each q point, all of which ph.x must have prepared."""
    patterns = sorted(save.glob("patterns.*.xml"), key=lambda file: int(file.name.split(".")[1]))
    irreps = [int(_found(ElementTree.parse(file).getroot(), ".//NUMBER_IRR_REP").text or 0) for file in patterns]
    control = save / "control_ph.xml"
    wanted = _found(ElementTree.parse(control).getroot(), ".//NUMBER_OF_Q_POINTS").text if control.exists() else None
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
    points, values = _plot(directory / "matdyn.freq")
    results: dict[str, Any] = {"qpoints": points, "frequencies": values}
    if (directory / "matdyn.dos").exists():
        table = np.loadtxt(directory / "matdyn.dos").T
        results |= {"dos_frequencies": table[0], "dos": table[1]}
    return results


def _plot(file: Path) -> tuple[Any, Any]:
    """Return points, shape (K, 3), and values, shape (K, n), from a file in the format of plotband.x."""
    header, _, body = file.read_text().partition("/\n")
    bands, points = (int(word) for word in re.findall(r"= *(\d+)", header))
    table = np.array(body.split(), dtype=float).reshape(points, 3 + bands)
    return table[:, :3], table[:, 3:]


def _output(directory: Path) -> ElementTree.Element:
    return _found(ElementTree.parse(directory / "pwscf.save" / "data-file-schema.xml").getroot(), "output")


def _cell(structure: ElementTree.Element) -> Any:
    return np.array([_numbers(_found(structure, f"cell/a{i}")) for i in (1, 2, 3)])


def _found(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise ProgramError(f"Quantum ESPRESSO left no {path} in {element.tag}.")
    return found


def _numbers(element: ElementTree.Element) -> list[float]:
    return [float(word) for word in (element.text or "").split()]
