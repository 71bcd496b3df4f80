"""Cohesive energy of a crystal, and the energies of its surfaces in its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict

__all__ = ["Cohesion", "cohesion"]


class Cohesion(TypedDict):
    """Cohesive energy of an elemental crystal, and how its surface energies are ordered.

    Attributes
    ----------
    name
        Kind of document: ``"cohesion"``.
    cohesive_energy
        Energy of an atom alone minus that of one in the crystal, in eV/atom; above 0 for a crystal that holds together.
    lowest_surface_energy
        Lowest surface energy in J/m²; above 0 for a crystal that does not fall apart.
    disorder
        Largest part by which the energy of a surface is above that of one that is less densely packed; 0 if the most
        densely packed surfaces have the lowest energies.
    """

    name: str
    cohesive_energy: Annotated[float, "eV/atom"]
    lowest_surface_energy: Annotated[float, "J/m²"]
    disorder: float


def cohesion(atom: float, crystal: float, surfaces: Mapping[Any, float], order: Sequence[Any]) -> Cohesion:
    """Return the cohesive energy of a crystal, and how its surface energies are ordered.

    Parameters
    ----------
    atom
        Energy of an atom alone in eV.
    crystal
        Energy of an atom of the crystal in eV.
    surfaces
        Surface energies in J/m² by Miller index.
    order
        Miller indices, the most densely packed surface first.
    """
    energies = [surfaces[index] for index in order]
    excess = [low / high - 1 for i, low in enumerate(energies) for high in energies[i + 1 :]]
    return {
        "name": "cohesion",
        "cohesive_energy": atom - crystal,
        "lowest_surface_energy": min(energies),
        "disorder": max(0.0, *excess) if excess else 0.0,
    }
