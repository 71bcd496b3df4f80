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
    """The energy of the surfaces of a slab.

    Attributes
    ----------
    miller_index
        Three integers.
    shift
        Of the termination, as pymatgen counts it.
    flipped
        Whether the slab was turned over.
    area
        Of one surface of the slab, in Å².
    surface_energy
        In J/m², the mean of the two surfaces of the slab: also where one of them is held in the crystal's positions,
        or both are different. None if it cannot be had.
    missing
        Why not; else empty.
    """

    miller_index: list[int]
    shift: float
    flipped: bool
    area: float
    surface_energy: float | None
    missing: str


class SurfaceEnergies(TypedDict):
    """Surface energies of a crystal.

    Attributes
    ----------
    name
        ``"surface_energies"``.
    surfaces
        In the order of the slabs, with energies in J/m².
    """

    name: str
    surfaces: Annotated[list[SurfaceEnergy], "J/m²"]


class AdsorptionEnergy(TypedDict):
    """The energy of adsorption on a site.

    Attributes
    ----------
    site
        Its kind.
    site_index
        Counts the sites of a kind.
    adsorption_energy
        In eV, negative where the adsorbate is bound; None if it cannot be had.
    missing
        Why not; else empty.
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
        ``"adsorption_energies"``.
    adsorbate
        Its formula.
    sites
        In the order of the runs, with energies in eV.
    """

    name: str
    adsorbate: str
    sites: Annotated[list[AdsorptionEnergy], "eV"]


def surface_energy(
    slab: Atoms, energy: float | None, missing: str, crystal: Atoms, crystal_energy: float
) -> SurfaceEnergy:
    """The energy of the surfaces of a slab: (E(slab) - n E(crystal)) / 2 A.

    Parameters
    ----------
    slab
        The slab, its surfaces along the first two cell vectors, as `adatom.atoms.slabs.make_slabs` makes it.
    energy
        Its energy in eV, or None.
    missing
        Why there is none; else empty.
    crystal
        The crystal. If the slab has not the same composition, its surface energy depends on chemical potentials.
    crystal_energy
        The energy of the crystal in eV.
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
        "shift": slab.info["shift"],
        "flipped": slab.info["flipped"],
        "area": area,
        "surface_energy": per_area,
        "missing": missing,
    }


def adsorption_energy(both: Atoms, energy: float | None, missing: str, parts_energy: float) -> AdsorptionEnergy:
    """The energy of adsorption: E(slab with adsorbate) - E(slab) - E(adsorbate).

    Parameters
    ----------
    both
        The slab with the adsorbate, as `adatom.atoms.adsorption.make_adsorption` makes it.
    energy
        Its energy in eV, or None.
    missing
        Why there is none; else empty.
    parts_energy
        The sum of the energies of the slab and of the adsorbate, each alone, in eV.
    """
    return {
        "site": both.info["site"],
        "site_index": both.info["site_index"],
        "adsorption_energy": None if energy is None else energy - parts_energy,
        "missing": missing,
    }
