"""Barriers: by ASE's nudged elastic band, and from structures that symmetry holds at the saddle point."""

from functools import cache

import numpy as np
from ase import Atoms, units
from ase.build import add_adsorbate, fcc100
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixedLine
from ase.mep import NEB
from ase.optimize import MDMin

from .by_ase import energy, relaxed
from .derivatives import moved, second
from .energies import tight_binding


def on_surface(adatom: str, symbol: str, site: str, height: float) -> Atoms:
    """An atom on a (100) surface of fcc, of which the upper layer is free."""
    slab = fcc100(symbol, (2, 2, 3), vacuum=4, periodic=True)
    add_adsorbate(slab, adatom, height, site)
    slab.set_constraint(FixAtoms(mask=slab.get_tags() > 1))
    return slab


def next_hollow(initial: Atoms) -> Atoms:
    """The same with the adatom in the hollow beside."""
    final = initial.copy()
    final.positions[-1, 0] += final.cell[0, 0] / 2
    return final


@cache
def by_neb(adatom: str, symbol: str, height: float) -> float:
    """Barrier of a hop in eV by `ase.mep.NEB`, with the highest image climbing."""
    first = on_surface(adatom, symbol, "hollow", height)
    ends = [relaxed(first, fmax=1e-3), relaxed(next_hollow(first), fmax=1e-3)]
    images = [ends[0], *(ends[0].copy() for _ in range(3)), ends[1]]
    for image in images[1:-1]:
        image.calc = EMT()
    band = NEB(images, climb=True, method="improvedtangent")
    band.interpolate("idpp")
    MDMin(band, dt=0.1, logfile=None).run(fmax=0.01, steps=2000)
    energies = [image.get_potential_energy() for image in images]
    return float(max(energies) - energies[0])


@cache
def bridge(adatom: str, symbol: str, height: float) -> Atoms:
    """The saddle point of a hop: symmetry leaves the adatom at the bridge only the way along z."""
    atoms = on_surface(adatom, symbol, "bridge", height)
    atoms.set_constraint([*atoms.constraints, FixedLine(len(atoms) - 1, (0, 0, 1))])
    return relaxed(atoms)


def by_symmetry(adatom: str, symbol: str, heights: tuple[float, float]) -> float:
    """Barrier of a hop in eV, from the heights in Å at which the adatom starts in the hollow and at the bridge."""
    hollow = relaxed(on_surface(adatom, symbol, "hollow", heights[0]))
    saddle = bridge(adatom, symbol, heights[1])
    return float(saddle.get_potential_energy() - hollow.get_potential_energy())


def imaginary_frequency(adatom: str, symbol: str, height: float) -> float:
    """Imaginary frequency of the adatom at the bridge in cm⁻¹, with the slab at rest.

    It is the curvature of the energy along one of the two axes of the bridge, whichever is negative.
    """
    saddle = bridge(adatom, symbol, height)
    index = len(saddle) - 1
    curvatures = [second(lambda size, way=way: energy(moved(saddle, index, size * way)), 0.01) for way in np.eye(3)[:2]]
    return wave_number(-min(curvatures), saddle.get_masses()[index])


def wave_number(curvature: float, mass: float) -> float:
    """Wave number in cm⁻¹ of a mass in amu on a spring in eV/Å²."""
    per_second = np.sqrt(curvature * units._e * 1e20 / (mass * units._amu))
    return float(units._hbar * per_second / units._e / units.invcm)


def inversion() -> float:
    """Barrier in eV of the inversion of NH3 by tblite's own energies: from a pyramid to a flat triangle."""
    from scipy.optimize import minimize

    def of(radius: float, rise: float = 0.0) -> float:
        angles = np.arange(3) * 2 * np.pi / 3
        ring = np.array([radius * np.cos(angles), radius * np.sin(angles), np.full(3, rise)]).T
        return tight_binding(Atoms("NH3", [[0, 0, 0], *ring]))

    def lowest(*start: float) -> float:
        options = {"xatol": 1e-5, "fatol": 1e-8}
        return float(minimize(lambda values: of(*values), start, method="Nelder-Mead", options=options).fun)

    return lowest(1.0) - lowest(0.95, 0.35)
