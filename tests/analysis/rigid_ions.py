"""Rocksalt of rigid ions, whose phonons at Γ are known: its Born charges are those of the ions, and nothing screens."""

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.neighborlist import neighbor_list
from scipy.special import erfc

CHARGE = 1.0
LATTICE = 5.64  # Å
COULOMB = units.Hartree * units.Bohr  # e²/(4π ε0) in eV Å
_STRENGTH, _LENGTH = 1200.0, 0.32  # of the repulsion between neighbours, A exp(-r/l), in eV and Å
_WIDTH = 0.6  # of Ewald's sum, in 1/Å


def rocksalt() -> Atoms:
    return bulk("NaCl", "rocksalt", a=LATTICE)


def born_charges(atoms: Atoms) -> np.ndarray:
    return ionic_charges(atoms)[:, None, None] * np.eye(3)


def ionic_charges(atoms: Atoms) -> np.ndarray:
    return np.where(atoms.symbols == "Na", CHARGE, -CHARGE)


def optical_modes() -> tuple[float, float]:
    """Transverse and longitudinal frequency at Γ, in THz. M. Born and K. Huang, Dynamical Theory of Crystal Lattices,
    section 9: the local field of a cubic lattice makes the former lower, and the macroscopic one the latter higher.
    """
    distance, sodium, chlorine = LATTICE / 2, *rocksalt().get_masses()
    repulsion = _STRENGTH * np.exp(-distance / _LENGTH)
    stiffness = 2 * repulsion / _LENGTH * (1 / _LENGTH - 2 / distance)  # the mean curvature of six bonds
    field = 4 * np.pi / 3 * COULOMB * CHARGE**2 / rocksalt().get_volume()
    mass = sodium * chlorine / (sodium + chlorine)
    to_thz = np.sqrt(units._e / units._amu) * 1e10 / (2 * np.pi) / 1e12
    return to_thz * np.sqrt((stiffness - field) / mass), to_thz * np.sqrt((stiffness + 2 * field) / mass)


def energy(atoms: Atoms) -> float:
    """Energy in eV of a primitive cell at any volume, with Madelung's constant."""
    distance = np.cbrt(4 * atoms.get_volume()) / 2
    return 6 * _STRENGTH * np.exp(-distance / _LENGTH) - 1.747565 * COULOMB * CHARGE**2 / distance


def forces(atoms: Atoms) -> np.ndarray:
    """Forces in eV/Å, with Ewald's sum."""
    charges = ionic_charges(atoms)
    first, second, distances, vectors = neighbor_list("ijdD", atoms, 5.5 / _WIDTH)
    decay = erfc(_WIDTH * distances) / distances
    decay += 2 * _WIDTH / np.sqrt(np.pi) * np.exp(-((_WIDTH * distances) ** 2))
    along = COULOMB * charges[first] * charges[second] * decay / distances
    near = distances < 0.6 * LATTICE
    along[near] += _STRENGTH / _LENGTH * np.exp(-distances[near] / _LENGTH)
    found = np.zeros((len(atoms), 3))
    np.add.at(found, first, -(along / distances)[:, None] * vectors)
    return found + _of_waves(atoms, charges)


def _of_waves(atoms: Atoms, charges: np.ndarray) -> np.ndarray:
    reciprocal = 2 * np.pi * atoms.cell.reciprocal().array
    reach = 11 * _WIDTH
    counts = np.ceil(reach * atoms.cell.lengths() / (2 * np.pi)).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    waves = grid @ reciprocal
    squares = (waves**2).sum(axis=1)
    waves, squares = waves[(squares > 1e-9) & (squares < reach**2)], squares[(squares > 1e-9) & (squares < reach**2)]
    phases = np.exp(1j * atoms.positions @ waves.T)
    weights = 4 * np.pi / atoms.get_volume() * np.exp(-squares / (4 * _WIDTH**2)) / squares
    return COULOMB * charges[:, None] * ((phases * (weights * (charges @ phases.conj()))).imag @ waves)
