"""Energies of surfaces, and of adsorption on them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, TypedDict

import numpy as np
from ase import Atoms, units

__all__ = [
    "AdsorptionEnergies",
    "AdsorptionEnergy",
    "SurfaceEnergies",
    "SurfaceEnergy",
    "adsorption_energy",
    "surface_energy",
]


class SurfaceEnergy(TypedDict):
    """Energy of the surfaces of one slab.

    Attributes
    ----------
    miller_index
        Miller index of the surface, three integers, or four for a hexagonal cell.
    miller_cell
        Cell that the index refers to, one of `adatom.atoms.miller.MILLER_CELLS`: ``"conventional"``, ``"hexagonal"`` or
        ``"given"``, that of the crystal as it was given. Empty for a slab that does not say so.
    shift
        Shift of the termination along the normal, as pymatgen counts it.
    flipped
        Whether the slab was turned over.
    area
        Area of one surface of the slab, in Å².
    surface_energy
        Energy per area in J/m², the mean of the two surfaces of the slab, even where one of them is held in the
        positions of the crystal, or both are different. None if it cannot be computed.
    missing
        Reason why there is no surface energy; empty if there is one.
    """

    miller_index: list[int]
    miller_cell: str
    shift: float
    flipped: bool
    area: float
    surface_energy: float | None
    missing: str


class SurfaceEnergies(TypedDict):
    """Surface energies of a crystal, of several slabs.

    Attributes
    ----------
    name
        Kind of document: ``"surface_energies"``.
    surfaces
        Surface energies in J/m², in the order of the slabs.
    """

    name: str
    surfaces: Annotated[list[SurfaceEnergy], "J/m²"]


class AdsorptionEnergy(TypedDict):
    """Energy of adsorption on one site of a slab.

    Attributes
    ----------
    site
        Kind of the site, one of `adatom.atoms.adsorption.SITES`.
    site_index
        Number of the site among those of its kind, counted from 0.
    adsorption_energy
        Energy in eV, negative where the adsorbate is bound; None if it cannot be computed.
    missing
        Reason why there is no adsorption energy; empty if there is one.
    """

    site: str
    site_index: int
    adsorption_energy: float | None
    missing: str


class AdsorptionEnergies(TypedDict):
    """Energies of adsorption on the sites of a slab.

    Attributes
    ----------
    name
        Kind of document: ``"adsorption_energies"``.
    adsorbate
        Chemical formula of the adsorbate.
    sites
        Energies of adsorption in eV, in the order of the runs.
    """

    name: str
    adsorbate: str
    sites: Annotated[list[AdsorptionEnergy], "eV"]


def surface_energy(
    slab: Atoms, energy: float | None, missing: str, crystal: Atoms, crystal_energy: float
) -> SurfaceEnergy:
    """Return the energy of the surfaces of a slab: (E(slab) - n E(crystal)) / 2 A.

    n is the number of atoms of the slab divided by that of the crystal, and A the area of one surface.

    Parameters
    ----------
    slab
        Slab whose first two cell vectors lie in the surface, as `adatom.atoms.slabs.make_slabs` makes it.
    energy
        Energy of the slab in eV, or None if there is none.
    missing
        Reason why there is no energy; empty if there is one.
    crystal
        Crystal that the slab is cut from. If the slab does not have the same composition, there is no surface energy,
        since it would depend on chemical potentials.
    crystal_energy
        Energy of the crystal in eV.
    """
    of_slab, of_crystal = Counter(slab.symbols), Counter(crystal.symbols)
    times = len(slab) / len(crystal)
    area = float(np.linalg.norm(np.cross(*slab.cell.array[:2])))
    if any(of_slab[symbol] * len(crystal) != of_crystal[symbol] * len(slab) for symbol in {*of_slab, *of_crystal}):
        energy = None
        missing = missing or (
            f"The slab is {slab.get_chemical_formula(empirical=True)}, and the crystal "
            f"{crystal.get_chemical_formula(empirical=True)}: its surface energy depends on chemical potentials."
        )
    per_area = None if energy is None else (energy - times * crystal_energy) / (2 * area) / (units.J / units.m**2)
    return {
        "miller_index": slab.info["miller_index"],
        "miller_cell": slab.info.get("miller_cell", ""),
        "shift": slab.info["shift"],
        "flipped": slab.info["flipped"],
        "area": area,
        "surface_energy": per_area,
        "missing": missing,
    }


def adsorption_energy(both: Atoms, energy: float | None, missing: str, parts_energy: float) -> AdsorptionEnergy:
    """Return the energy of adsorption: E(slab with adsorbate) - E(slab) - E(adsorbate).

    Parameters
    ----------
    both
        Slab with the adsorbate, as `adatom.atoms.adsorption.make_adsorption` makes it.
    energy
        Energy of `both` in eV, or None if there is none.
    missing
        Reason why there is no energy; empty if there is one.
    parts_energy
        Sum of the energies of the slab and of the adsorbate, each alone, in eV.
    """
    return {
        "site": both.info["site"],
        "site_index": both.info["site_index"],
        "adsorption_energy": None if energy is None else energy - parts_energy,
        "missing": missing,
    }
