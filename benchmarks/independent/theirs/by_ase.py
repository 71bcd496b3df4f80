"""Energies and minima with ASE alone."""

from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS
from scipy.optimize import brentq

from .derivatives import first


def energy(atoms: Atoms, calculator: Any = None) -> float:
    """The potential energy in eV, by EMT if no calculator is given."""
    copy = atoms.copy()
    copy.calc = calculator or EMT()
    return float(copy.get_potential_energy())


def relaxed(atoms: Atoms, calculator: Any = None, *, cell: bool = False, fmax: float = 1e-4) -> Atoms:
    """A relaxed copy with its calculator."""
    copy = atoms.copy()
    copy.calc = calculator or EMT()
    LBFGS(FrechetCellFilter(copy) if cell else copy, logfile=None).run(fmax=fmax, steps=1000)
    return copy


def at_volume(crystal: Atoms, volume: float) -> Atoms:
    """A cubic crystal with another volume of its cell, in Å³."""
    copy = crystal.copy()
    copy.set_cell(crystal.cell.array * (volume / crystal.get_volume()) ** (1 / 3), scale_atoms=True)
    return copy


def volume_under(crystal: Atoms, pressure: float) -> float:
    """The volume in Å³ of a cubic crystal at which -dE/dV is a pressure in eV/Å³."""
    start = crystal.get_volume()

    def excess(volume: float) -> float:
        slope = first(lambda change: energy(at_volume(crystal, volume + change)), 0.01)
        return slope + pressure

    return float(brentq(excess, 0.85 * start, 1.1 * start, xtol=1e-9))


def cubic(crystal: Atoms) -> Atoms:
    """A cubic crystal at its lowest energy."""
    return at_volume(crystal, volume_under(crystal, 0.0))


def largest(forces: np.ndarray) -> tuple[int, int]:
    """Which atom and direction have the largest force."""
    atom, direction = np.unravel_index(np.abs(forces).argmax(), forces.shape)
    return int(atom), int(direction)
