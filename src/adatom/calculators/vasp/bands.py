"""VASP in the density of an earlier run: its settings, and the bands that it finds."""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, iterparse

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from numpy.typing import NDArray

from adatom.calculators.vasp.calculator import Vasp
from adatom.calculators.vasp.custodian import Correction
from adatom.errors import InputError

__all__ = ["FixedDensity", "denser", "settings_of", "text_of"]

Array = NDArray[np.float64]

# What belongs to the purpose of a run.
_OF_THAT_RUN = {
    *("name", "dispersion", "kpts", "gamma", "reciprocal", "kspacing", "kgamma", "nbands"),
    *("ediffg", "ibrion", "isif", "potim", "pstress"),
    "incar_changes",
    *("laechg", "lelf", "lvhar", "lvtot"),
}


class FixedDensity:
    """VASP with ``ICHARG=11``, in the form of a calculator without properties.

    Parameters
    ----------
    calculator
        Calculator whose settings are those of the run.
    """

    implemented_properties: Sequence[str] = ()

    def __init__(self, calculator: Vasp) -> None:
        self.calculator = calculator
        self.parameters: dict[str, Any] = {**calculator.parameters, "name": "Vasp"}
        self.results: dict[str, Any] = {}

    @property
    def directory(self) -> Path:
        """Directory in which VASP runs."""
        return Path(self.calculator.directory)

    @directory.setter
    def directory(self, directory: Path) -> None:
        self.calculator.directory = directory

    @property
    def corrections(self) -> list[Correction]:
        """Corrections that custodian made."""
        return self.calculator.corrections

    def calculate(self, atoms: Atoms, properties: Sequence[str], system_changes: Sequence[str]) -> None:
        """Run VASP, and read the bands.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE; the latter two have no effect.
        """
        self.calculator.calculate(atoms, ["energy"], all_changes)
        self.parameters |= self.calculator.parameters
        self.results = read_bands(self.directory / "vasprun.xml")
        if atoms.cell.handedness < 0:  # VASP had the opposite vectors
            self.results["kpoints"] = -self.results["kpoints"]


def settings_of(previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `adatom.calculators.vasp.make.make_vasp` for an earlier run.

    Parameters
    ----------
    previous
        Result of the earlier run.

    Returns
    -------
    dict
        Keyword arguments, without those that belong to that run alone, such as the k points.

    Raises
    ------
    InputError
        `previous` is no result of VASP, or VASP does not find the bands of its functional from the density.
    """
    settings = _given(previous)
    if settings.get("lhfcalc"):
        raise InputError(
            "VASP finds no bands of a hybrid functional from the density: the exchange needs the orbitals. Run "
            "static_job with the k points of the path among its own, with weight 0."
        )
    return {key: value for key, value in settings.items() if key not in _OF_THAT_RUN}


def denser(previous: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a grid of k points around Γ that is twice as dense as that of an earlier run.

    Parameters
    ----------
    previous
        Result of the earlier run.

    Raises
    ------
    InputError
        The k points of the earlier run are no grid.
    """
    settings = _given(previous)
    if spacing := settings.get("kspacing"):
        return {"kspacing": spacing / 2, "kgamma": True}
    kpts: Any = settings.get("kpts")
    if np.shape(kpts) == (3,):
        return {"kpts": [2 * int(number) for number in kpts], "gamma": True}
    raise InputError(
        f"What k points? Those of the earlier run, {kpts!r}, are no grid. Give calc_kwargs={{'kpts': ...}}."
    )


def more_bands(directory: Path, factor: float) -> int:
    """Return a number of bands that is larger than that of an earlier run.

    Parameters
    ----------
    directory
        Directory of the earlier run.
    factor
        Ratio of the numbers.
    """
    return math.ceil(factor * float(_last(r"NBANDS=\s*(\d+)", directory)))


def fermi_energy(directory: Path) -> float:
    """Return the Fermi energy of an earlier run in eV.

    Parameters
    ----------
    directory
        Directory of the earlier run.
    """
    return float(_last(r"E-fermi\s*:\s*(\S+)", directory))


def read_bands(file: Path) -> dict[str, Any]:
    """Read the bands from vasprun.xml.

    Parameters
    ----------
    file
        Path of the file.

    Returns
    -------
    dict
        ``kpoints``, shape (K, 3), ``weights``, shape (K,), ``eigenvalues``, shape (spins, K, bands), ``fermi_energy``
        and, after a run with ``LOPTICS``, ``dielectric_function``: see `adatom.recipes.vasp.non_scf_job`.
    """
    found: dict[str, Any] = {}
    for _, element in iterparse(file):
        if element.tag == "kpoints" and "kpoints" not in found:
            found["kpoints"] = _rows(element, "varray[@name='kpointlist']/v")
            found["weights"] = _rows(element, "varray[@name='weights']/v").ravel()
        elif element.tag == "eigenvalues":
            spins = element.findall("array/set/set")
            found["eigenvalues"] = np.array([[_rows(point, "r")[:, 0] for point in spin] for spin in spins])
        elif element.tag == "dos" and (fermi := element.find("i[@name='efermi']")) is not None:
            found["fermi_energy"] = float(fermi.text or "nan")
        elif element.tag == "dielectricfunction" and "dielectric_function" not in found:  # the first: of the density
            found["dielectric_function"] = _dielectric_function(element)
    return found


def _dielectric_function(element: Element) -> dict[str, Array]:
    real, imaginary = (_rows(element, f"{part}/array/set/r") for part in ("real", "imag"))
    return {"energies": real[:, 0], "real": _tensors(real[:, 1:]), "imaginary": _tensors(imaginary[:, 1:])}


def _tensors(rows: Array) -> Array:
    """Return symmetric tensors from their components xx, yy, zz, xy, yz, zx."""
    return rows[:, [[0, 3, 5], [3, 1, 4], [5, 4, 2]]]


def _rows(element: Element, path: str) -> Array:
    return np.array([[float(word) for word in (row.text or "").split()] for row in element.iterfind(path)])


def _given(previous: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = previous.get("parameters", {}).get("calculator", {}) if isinstance(previous, Mapping) else {}
    if settings.get("name") != "Vasp" or "dir_name" not in previous:
        raise InputError(f"The earlier run is {previous!r:.200}. Give the result of a job with VASP.")
    return settings


def _last(pattern: str, directory: Path) -> str:
    found = None
    for line in text_of(directory / "OUTCAR"):
        found = re.search(pattern, line) or found
    if found is None:
        raise InputError(f"OUTCAR in {directory} has no {pattern.partition(chr(92))[0]}. Did the earlier run end?")
    return found[1]


def text_of(file: Path) -> Iterator[str]:
    """Yield the lines of a file of an earlier run, which may be compressed.

    Parameters
    ----------
    file
        Path of the file without ``.gz``.

    Raises
    ------
    InputError
        There is no such file.
    """
    packed = file.with_name(f"{file.name}.gz")
    if not file.exists() and not packed.exists():
        raise InputError(f"There is no {file.name} in {file.parent}. Give the result of a job with VASP.")
    with file.open(errors="replace") if file.exists() else gzip.open(packed, "rt", errors="replace") as lines:
        yield from lines
