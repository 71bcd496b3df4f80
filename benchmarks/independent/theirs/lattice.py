"""Phonons by ASE, by frozen displacements and by sums over pairs, and what follows from them, by hand."""

import tempfile
from functools import cache
from itertools import product

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.phonons import Phonons

from . import lennard_jones
from .by_ase import at_volume, cubic, energy
from .derivatives import second

EV_PER_THZ = units._hplanck / units._e * 1e12
THZ = np.sqrt(units._e * 1e20 / units._amu) / 2e12 / np.pi  # of sqrt(eV/Å²/amu)
COPPER = bulk("Cu")


def by_ase(crystal: Atoms, size: int, points: list) -> np.ndarray:
    """Frequencies in THz by `ase.phonons`, shape (points, 3), at points in units of the reciprocal vectors."""
    with tempfile.TemporaryDirectory() as directory:
        phonons = Phonons(crystal, EMT(), supercell=(size,) * 3, delta=0.01, name=f"{directory}/phonons")
        phonons.run()
        phonons.read(acoustic=True, symmetrize=3)
    return np.array(phonons.band_structure(points, verbose=False)) / EV_PER_THZ


@cache
def on_mesh(volume: float | None, size: int) -> np.ndarray:
    """Frequencies of Cu in THz at all points that fit into the supercell, but Γ; None is the volume without stress."""
    crystal = cubic(COPPER) if volume is None else at_volume(COPPER, volume)
    points = [[i / size for i in indices] for indices in product(range(size), repeat=3)][1:]
    return by_ase(crystal, size, points)


def frozen(along: bool) -> float:
    """Frequency of Cu at X in THz, from the energies of a crystal in which every other plane is displaced."""
    crystal = cubic(bulk("Cu", cubic=True))
    plane = np.isclose(crystal.get_scaled_positions()[:, 2], 0.5)

    def displaced(size: float) -> float:
        atoms = crystal.copy()
        atoms.positions[:, 2 if along else 0] += np.where(plane, size, -size)
        return energy(atoms)

    return float(np.sqrt(second(displaced, 0.01) / crystal.get_masses().sum()) * THZ)


def of_argon(direction: tuple[float, float, float]) -> np.ndarray:
    """Frequencies of fcc Ar in THz by sums over pairs, at a point in 2π over the lattice constant."""
    return lennard_jones.frequencies(direction, bulk("Ar", "fcc", a=5).get_masses()[0]) * THZ


def helmholtz(frequencies: np.ndarray, temperature: float) -> float:
    """Σ hν/2 + kT ln(1 - exp(-hν/kT)) over the modes of a cell, in eV; Γ counts as a point without modes."""
    quanta, kt = frequencies * EV_PER_THZ, units.kB * temperature
    thermal = kt * np.log(-np.expm1(-quanta / kt)) if kt else 0.0
    return float((quanta / 2 + thermal).sum() / (len(frequencies) + 1))


def entropy(frequencies: np.ndarray, temperature: float) -> float:
    """Entropy of the modes in eV/K."""
    x = frequencies * EV_PER_THZ / (units.kB * temperature)
    return float((units.kB * (x / np.expm1(x) - np.log(-np.expm1(-x)))).sum() / (len(frequencies) + 1))


def heat_capacities(frequencies: np.ndarray, temperature: float) -> np.ndarray:
    """Heat capacity of each mode in eV/K, of Einstein's oscillators, so that their sum is that of a cell."""
    x = frequencies * EV_PER_THZ / (units.kB * temperature)
    return units.kB * x**2 * np.exp(x) / np.expm1(x) ** 2 / (len(frequencies) + 1)
