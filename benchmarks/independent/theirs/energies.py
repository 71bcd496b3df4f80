"""Energies, forces, stresses and dipoles: by finite differences, and by the interfaces of other packages."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms, units

from . import by_ase
from .derivatives import first, moved, strained


def force(atoms: Atoms, index: int, axis: int, energy: Callable[[Atoms], float] = by_ase.energy) -> float:
    """A component of a force in eV/Å, from energies."""
    return -first(lambda step: energy(moved(atoms, index, np.eye(3)[axis] * step)), 0.005)


def stress(atoms: Atoms, one: int, other: int) -> float:
    """A component of the stress in eV/Å³, from EMT's energies under strain."""
    shape = np.zeros((3, 3))
    shape[one, other] += 0.5
    shape[other, one] += 0.5
    return first(lambda size: by_ase.energy(strained(atoms, size * shape)), 1e-3) / atoms.get_volume()


def tight_binding(atoms: Atoms, method: str = "GFN2-xTB", field: tuple | None = None) -> float:
    """The energy in eV by tblite's own interface; the field is in atomic units."""
    from tblite.interface import Calculator

    calculator = Calculator(method, atoms.numbers, atoms.positions / units.Bohr)
    calculator.set("verbosity", 0)
    calculator.set("accuracy", 0.01)
    if field is not None:
        calculator.add("electric-field", list(map(float, field)))
    return float(calculator.singlepoint().get("energy")) * units.Hartree


def dipole(atoms: Atoms, axis: int) -> float:
    """A component of the dipole in e Å, from tblite's energies in an electric field."""
    slope = first(lambda size: tight_binding(atoms, field=tuple(np.eye(3)[axis] * size)), 1e-3)
    return -slope / units.Hartree * units.Bohr


def _dispersion(model: Any, damping: Any, atoms: Atoms) -> float:
    described = model(
        atoms.numbers, atoms.positions / units.Bohr, lattice=atoms.cell.array / units.Bohr, periodic=atoms.pbc
    )
    return float(described.get_dispersion(damping, grad=False)["energy"]) * units.Hartree


def d3(atoms: Atoms) -> float:
    """DFT-D3 of PBE with rational damping in eV, by the interface of dftd3."""
    from dftd3.interface import DispersionModel, RationalDampingParam

    return _dispersion(DispersionModel, RationalDampingParam(method="PBE"), atoms)


def d4(atoms: Atoms) -> float:
    """DFT-D4 of PBE in eV, by the interface of dftd4."""
    from dftd4.interface import DampingParam, DispersionModel

    return _dispersion(DispersionModel, DampingParam(method="PBE"), atoms)
