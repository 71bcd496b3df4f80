"""Surfaces, adsorbates and point defects built and relaxed by ASE."""

from functools import cache

import numpy as np
from ase import Atoms, units
from ase.build import add_adsorbate, bulk, fcc100, fcc110, fcc111

from .by_ase import energy, relaxed

BUILDERS = {"(1 0 0)": fcc100, "(1 1 0)": fcc110, "(1 1 1)": fcc111}


@cache
def surface_energy(plane: str, layers: int) -> float:
    """Half the energy that it takes to cleave Cu, in J/m², with all atoms relaxed."""
    slab = BUILDERS[plane]("Cu", (1, 1, layers), vacuum=10, periodic=True)
    excess = relaxed(slab).get_potential_energy() - len(slab) * energy(bulk("Cu"))
    return float(excess / (2 * np.linalg.norm(np.cross(*slab.cell[:2]))) * units.m**2 / units.J)


def adsorption_energy(slab: Atoms, adsorbate: str, site: str, height: float) -> float:
    """Energy in eV of an atom on a site of a slab, beside the slab and the atom alone."""
    both = slab.copy()
    add_adsorbate(both, adsorbate, height, site)
    parts = relaxed(slab, fmax=1e-3).get_potential_energy() + energy(Atoms(adsorbate))
    return float(relaxed(both, fmax=1e-3).get_potential_energy() - parts)


def _defective(crystal: Atoms, kind: str, element: str) -> Atoms:
    atoms = crystal.copy()
    if kind == "vacancy":
        del atoms[0]
    elif kind == "substitution":
        atoms.symbols[0] = element
    else:
        # The octahedral hole of fcc is half a lattice constant from an atom; a tetrahedral one, a quarter along [111].
        a = (atoms.get_volume() / len(atoms) * 4) ** (1 / 3)
        hole = np.array([0.5, 0, 0]) if kind == "octahedral" else np.array([0.25, 0.25, 0.25])
        atoms += Atoms(element, [atoms.positions[0] + a * hole])
    return atoms


@cache
def formation_energy(symbol: str, repeats: int, kind: str, element: str = "", potential: float = 0.0) -> float:
    """Formation energy in eV of a point defect in a cubic supercell, which keeps its shape."""
    crystal = bulk(symbol, cubic=True) * (repeats, repeats, repeats)
    per_atom = energy(crystal) / len(crystal)
    defect = relaxed(_defective(crystal, kind, element), fmax=1e-3)
    removed = {"vacancy": 1, "substitution": 1}.get(kind, 0)
    added = 0.0 if not element else (per_atom if element == symbol else potential)
    return float(defect.get_potential_energy() - energy(crystal) + removed * per_atom - added)
