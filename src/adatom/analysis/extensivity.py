"""Sums of energies that should hold: of the cells of a supercell, and of parts that are far apart."""

from __future__ import annotations

from typing import Annotated, TypedDict

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Extensivity", "extensivity"]


class Extensivity(TypedDict):
    """Deviations of the energy and forces of a whole from those of its parts; NaN where the potential failed.

    Attributes
    ----------
    name
        Kind of document: ``"extensivity"``.
    energy_error
        Absolute difference between the energy of the whole and the sum of those of its parts, in eV/atom.
    force_error
        Largest absolute difference of a component of a force, in eV/Å.
    """

    name: str
    energy_error: Annotated[float, "eV/atom"]
    force_error: Annotated[float, "eV/Å"]


def extensivity(
    energy: float, forces: ArrayLike, part_energies: ArrayLike, part_forces: list[ArrayLike]
) -> Extensivity:
    """Compare a whole with its parts.

    Parameters
    ----------
    energy
        Energy of the whole in eV.
    forces
        Forces of the whole in eV/Å, shape (N, 3).
    part_energies
        Energies of the parts in eV.
    part_forces
        Forces of the parts in eV/Å, in the order of their atoms in the whole.
    """
    of_whole, of_parts = np.asarray(forces, dtype=float), np.concatenate([np.asarray(part) for part in part_forces])
    return {
        "name": "extensivity",
        "energy_error": float(abs(energy - np.sum(part_energies)) / len(of_whole)),
        "force_error": float(np.abs(of_whole - of_parts).max()),
    }
