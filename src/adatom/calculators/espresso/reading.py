"""What Quantum ESPRESSO's programs leave in files, as plain data with ASE's units."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from ase import units

__all__ = ["read_bands"]


def read_bands(directory: Path) -> dict[str, Any]:
    """Eigenvalues, from the XML file that pw.x keeps with the wave functions.

    Parameters
    ----------
    directory
        Where pw.x ran.

    Returns
    -------
    dict
        ``kpoints``, in fractions of the reciprocal cell, shape (K, 3), their ``weights``, shape (K,), ``eigenvalues``
        in eV, shape (spins, K, bands), and ``fermi_energy`` in eV; for fixed occupations the highest occupied level.
    """
    root = ElementTree.parse(directory / "pwscf.save" / "data-file-schema.xml").getroot()
    output = _found(root, "output")
    structure, bands = _found(output, "atomic_structure"), _found(output, "band_structure")
    alat = float(structure.attrib["alat"])
    cell = np.array([_numbers(_found(structure, f"cell/a{i}")) for i in (1, 2, 3)])
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


def _found(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise ValueError(f"no {path} in {element.tag}")
    return found


def _numbers(element: ElementTree.Element) -> list[float]:
    return [float(word) for word in (element.text or "").split()]
