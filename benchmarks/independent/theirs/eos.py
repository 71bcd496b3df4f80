"""Equations of state from energies at several volumes."""

import numpy as np
from ase import Atoms, units
from ase.eos import EquationOfState

from .by_ase import at_volume, cubic, energy
from .derivatives import second

STRAINS = (-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06)  # of the volume


def points(crystal: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Volumes in Å³ and energies in eV around the volume of a crystal, by EMT."""
    volumes = crystal.get_volume() * (1 + np.array(STRAINS))
    return volumes, np.array([energy(at_volume(crystal, volume)) for volume in volumes])


def ase_fit(volumes: np.ndarray, energies: np.ndarray, equation: str) -> tuple[float, float]:
    """Volume in Å³ and bulk modulus in GPa by ASE's fit."""
    volume, _, modulus = EquationOfState(volumes, energies, eos=equation).fit()
    return float(volume), float(modulus / units.GPa)


def birch_murnaghan(volumes: np.ndarray, energies: np.ndarray) -> tuple[float, float, float]:
    """Volume in Å³, bulk modulus in GPa and its derivative, without a search.

    The equation is a polynomial of third degree in x = V^(-2/3): F. Birch, Phys. Rev. 71, 809 (1947).
    """
    curve = np.polynomial.Polynomial.fit(volumes ** (-2 / 3), energies, 3).convert()
    slope, curvature, third = curve.deriv(), curve.deriv(2), curve.deriv(3)
    x = max(root.real for root in slope.roots() if curvature(root.real) > 0)
    volume = x ** (-3 / 2)
    dx, ddx = -2 / 3 * x / volume, 10 / 9 * x / volume**2  # derivatives of x by the volume
    by_volume = curvature(x) * dx**2
    by_volume_again = third(x) * dx**3 + 3 * curvature(x) * dx * ddx
    return float(volume), float(volume * by_volume / units.GPa), float(-1 - volume * by_volume_again / by_volume)


def bulk_modulus(crystal: Atoms) -> float:
    """V d²E/dV² at the lowest energy, in GPa."""
    lowest = cubic(crystal)
    volume = lowest.get_volume()
    curvature = second(lambda change: energy(at_volume(lowest, volume + change)), 0.02)
    return volume * curvature / units.GPa
