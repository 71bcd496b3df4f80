"""Files that Quantum ESPRESSO's programs write, read as plain data with ASE's units unless others are named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from ase import Atoms, units

from adatom.calculators.espresso.xml import child, numbers

__all__ = [
    "read_band_order",
    "read_bands",
    "read_dos",
    "read_pdos",
    "read_plot",
    "read_plotband",
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
    structure, bands = child(output, "atomic_structure"), child(output, "band_structure")
    alat, cell = float(structure.attrib["alat"]), _cell(structure)
    points = bands.findall("ks_energies")
    spins = 2 if child(bands, "lsda").text.strip() == "true" else 1  # type: ignore[union-attr]
    values = np.array([numbers(child(point, "eigenvalues")) for point in points])
    level = next((found for key in _LEVELS if (found := bands.find(key)) is not None), None)
    return {
        "kpoints": np.array([numbers(child(point, "k_point")) for point in points]) @ cell.T / alat,
        "weights": np.array([float(child(point, "k_point").attrib["weight"]) for point in points]),
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

    structure = child(_output(directory), "atomic_structure")
    sites = structure.findall("atomic_positions/atom")
    return Atoms(
        [label_to_symbol(site.attrib["name"]) for site in sites],
        positions=np.array([numbers(site) for site in sites]) * units.Bohr,
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
    return float(child(_output(directory), "band_structure/nelec").text or "nan")


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
    points, values = read_plotband(directory / "bands.dat")
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


def read_plotband(file: Path) -> tuple[Any, Any]:
    """Return points and values from a file in the format of plotband.x.

    Parameters
    ----------
    file
        File that bands.x or matdyn.x wrote.

    Returns
    -------
    tuple of ndarray
        Points, shape (K, 3), and values, shape (K, n).
    """
    header, _, body = file.read_text().partition("/\n")
    bands, points = (int(word) for word in re.findall(r"= *(\d+)", header))
    table = np.array(body.split(), dtype=float).reshape(points, 3 + bands)
    return table[:, :3], table[:, 3:]


def _output(directory: Path) -> ElementTree.Element:
    return child(ElementTree.parse(directory / "pwscf.save" / "data-file-schema.xml").getroot(), "output")


def _cell(structure: ElementTree.Element) -> Any:
    return np.array([numbers(child(structure, f"cell/a{i}")) for i in (1, 2, 3)])
