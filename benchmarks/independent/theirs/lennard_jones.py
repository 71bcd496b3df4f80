"""Sums over pairs of the Lennard-Jones potential, cut off at a distance and shifted to 0 there."""

import math

import numpy as np
from scipy.optimize import brentq

# Argon. No shell of neighbours crosses the cutoff within a strain of 3 %: fcc has none at sqrt(14) times the shortest
# distance.
SIGMA, EPSILON = 3.40, 0.0104  # Å, eV
CUTOFF = 4.08 * SIGMA

# Sums of (d/R)^12 and (d/R)^6 over all atoms of fcc: N. W. Ashcroft and N. D. Mermin, Solid State Physics, table 20.2.
A12, A6 = 12.13188, 14.45392


def pair(distance: np.ndarray | float) -> tuple:
    """Energy of a pair in eV without the shift, and its first and second derivative."""
    six = (SIGMA / np.asarray(distance)) ** 6
    return (
        4 * EPSILON * (six**2 - six),
        4 * EPSILON * (6 * six - 12 * six**2) / distance,
        4 * EPSILON * (156 * six**2 - 42 * six) / distance**2,
    )


def dimer(distance: float, cutoff: float = CUTOFF) -> float:
    """Energy of two atoms in eV."""
    return float(pair(distance)[0] - pair(cutoff)[0])


def neighbours(a: float) -> np.ndarray:
    """Vectors in Å from an atom of an fcc crystal to those within the cutoff."""
    reach = math.ceil(CUTOFF / a * 2) + 1
    steps = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3), axis=-1).reshape(-1, 3)
    vectors = steps[steps.sum(axis=1) % 2 == 0] * a / 2
    lengths = np.linalg.norm(vectors, axis=1)
    return vectors[(lengths > 0) & (lengths < CUTOFF)]


def energy(a: float) -> float:
    """Energy of an atom in an fcc crystal in eV."""
    lengths = np.linalg.norm(neighbours(a), axis=1)
    return float((pair(lengths)[0] - pair(CUTOFF)[0]).sum() / 2)


def stress(a: float) -> float:
    """Stress of an fcc crystal in eV/Å³: a third of the trace."""
    lengths = np.linalg.norm(neighbours(a), axis=1)
    return float((pair(lengths)[1] * lengths).sum() / 6 / (a**3 / 4))


def lattice_constant() -> float:
    """The lattice constant of fcc without stress, in Å."""
    return float(brentq(stress, 1.5 * SIGMA, 1.6 * SIGMA, xtol=1e-12))


def elastic_constant(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Born's sum for an elastic constant of fcc in eV/Å³: the second derivative by two Green-Lagrange strains."""
    a = lattice_constant()
    vectors = neighbours(a)
    lengths = np.linalg.norm(vectors, axis=1)
    _, slope, curvature = pair(lengths)
    weights = (curvature - slope / lengths) / lengths**2
    return float((weights * np.prod(vectors[:, [*one, *other]], axis=1)).sum() / 2 / (a**3 / 4))


def frequencies(direction: tuple[float, float, float], mass: float) -> np.ndarray:
    """The three angular frequencies of fcc in sqrt(eV/Å²/amu), at a wave vector in 2π over the lattice constant."""
    a = lattice_constant()
    vectors = neighbours(a)
    lengths = np.linalg.norm(vectors, axis=1)
    _, slope, curvature = pair(lengths)
    unit = vectors / lengths[:, None]
    along = np.einsum("ni,nj->nij", unit, unit)
    tensors = curvature[:, None, None] * along + (slope / lengths)[:, None, None] * (np.eye(3) - along)
    phases = 1 - np.cos(vectors @ np.array(direction) * 2 * np.pi / a)
    return np.sqrt(np.linalg.eigvalsh(np.einsum("n,nij->ij", phases, tensors) / mass))
