"""The electrons of what stands in for VASP: free ones, whose energies at any k point anyone can check.

``STANDIN_GAP`` opens a gap of so many eV above the occupied bands, without which every crystal is a metal.
"""

import os
from pathlib import Path

import numpy as np
import spglib
from ase import Atoms, units

GAP = "STANDIN_GAP"
OSCILLATOR = 5.0  # eV: the resonance of the dielectric function
WIDTH = 0.5  # eV
KT = 0.05  # eV


def k_points(tags: dict[str, str], atoms: Atoms) -> tuple[np.ndarray, np.ndarray, str, list[int]]:
    """Fractions, weights, the kind of the points, and the numbers of a grid, from KPOINTS or KSPACING."""
    if not Path("KPOINTS").exists():
        lengths = 2 * np.pi * np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
        numbers = [max(1, int(np.ceil(x / float(tags.get("KSPACING", 0.5)) - 1e-9))) for x in lengths]
        return (*grid(atoms, numbers, "F" not in tags.get("KGAMMA", "T").upper()), "Gamma", numbers)
    lines = Path("KPOINTS").read_text().splitlines()
    mode = lines[2].strip()[0].upper()
    if int(lines[1]) == 0:
        assert mode in "GM", lines[2]
        numbers = [int(word) for word in lines[3].split()]
        return (*grid(atoms, numbers, mode == "G"), {"G": "Gamma", "M": "Monkhorst-Pack"}[mode], numbers)
    rows = np.array([[float(word) for word in line.split()[:4]] for line in lines[3 : 3 + int(lines[1])]])
    assert mode == "R", lines[2]
    return rows[:, :3], rows[:, 3] / rows[:, 3].sum(), "Reciprocal", []


def grid(atoms: Atoms, numbers: list[int], gamma: bool) -> tuple[np.ndarray, np.ndarray]:
    """The points of a grid that no symmetry relates."""
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    shift = [0 if gamma else 1 - number % 2 for number in numbers]
    found, addresses = spglib.get_ir_reciprocal_mesh(numbers, cell, is_shift=shift)
    kept, counts = np.unique(found, return_counts=True)
    points = (addresses[kept] + np.array(shift) / 2) / numbers
    return points, counts / counts.sum()


def free_electrons(atoms: Atoms, points: np.ndarray, bands: int) -> np.ndarray:
    """The lowest energies of free electrons in eV, shape (points, bands)."""
    reciprocal = 2 * np.pi * atoms.cell.reciprocal().array
    reach = (6 * np.pi**2 * bands / atoms.cell.volume) ** (1 / 3) * 1.2 + np.linalg.norm(reciprocal, axis=1).max()
    sides = [int(np.ceil(reach * length / (2 * np.pi))) for length in atoms.cell.lengths()]
    steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in sides), indexing="ij"), -1).reshape(-1, 3)
    half = 0.5 * units.Hartree * units.Bohr**2
    found = [np.sort(half * (((point + steps) @ reciprocal) ** 2).sum(1))[:bands] for point in points]
    return np.array(found)


class Electrons:
    """Energies and occupations of the bands, shape (spins, points, bands), and the Fermi energy."""

    def __init__(self, tags: dict[str, str], atoms: Atoms, number: float, moment: float) -> None:
        self.points, self.weights, self.kind, self.numbers = k_points(tags, atoms)
        self.number, self.volume = number, atoms.cell.volume
        spins = 2 if tags.get("ISPIN") == "2" else 1
        self.bands = int(tags.get("NBANDS", int(number / 2) + max(len(atoms) // 2, 3)))
        energies = free_electrons(atoms, self.points, self.bands)
        if gap := float(os.environ.get(GAP, 0)):
            occupied = int(number // 2)
            energies[:, occupied:] += energies[:, occupied - 1].max() + gap - energies[:, occupied].min()
        shifts = [-0.1 * moment, 0.1 * moment] if spins == 2 else [0.0]
        self.energies = np.array([energies + shift for shift in shifts])
        self.fermi, self.occupations = self._fill(2 / spins)
        if tags.get("ISMEAR") == "-5":  # the corners of a tetrahedron share its states
            begun = (self.occupations > 0.5).any(axis=1, keepdims=True)
            self.occupations = np.maximum(np.where(self.occupations > 0.01, self.occupations, 0), 1e-3 * begun)

    def _fill(self, each: float) -> tuple[float, np.ndarray]:
        low, high = self.energies.min() - 1, self.energies.max() + 1
        for _ in range(60):
            middle = (low + high) / 2
            occupations = 1 / (np.exp(np.clip((self.energies - middle) / KT, -60, 60)) + 1)
            counted = each * (self.weights @ occupations.sum(axis=(0, 2)))
            low, high = (middle, high) if counted < self.number else (low, middle)
        return middle, occupations

    def density(self, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies, and of each spin states per eV and states below."""
        energies = np.linspace(self.energies.min() - 1, self.energies.max() + 1, points)
        edges = np.append(energies, 2 * energies[-1] - energies[-2])
        weights = np.repeat(self.weights, self.bands) * (2 / len(self.energies))
        counts = np.array([np.histogram(one.ravel(), edges, weights=weights)[0] for one in self.energies])
        return energies, counts / (edges[1] - edges[0]), counts.cumsum(axis=1)

    def dielectric(self, points: int) -> tuple[np.ndarray, np.ndarray]:
        """Energies, and the dielectric function of one oscillator at them."""
        energies = np.linspace(0, 40, points)
        plasma = 4 * np.pi * self.number / self.volume * units.Bohr**3 * units.Hartree**2
        return energies, 1 + plasma / (OSCILLATOR**2 - energies**2 - 1j * WIDTH * energies)
