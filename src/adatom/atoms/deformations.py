"""Strained crystals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ase import Atoms

from adatom.errors import InputError

__all__ = ["scale_volume"]


def scale_volume(atoms: Atoms, strains: Sequence[float]) -> list[Atoms]:
    """A crystal at other volumes: all its lengths are scaled alike.

    Parameters
    ----------
    atoms
        The crystal; it is not changed.
    strains
        Relative changes of the volume: 0.02 is 2 % more.

    Returns
    -------
    list of Atoms
        In the order of `strains`, each with its own in ``info["volume_strain"]``.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, or a strain leaves no volume.
    """
    if not isinstance(atoms, Atoms) or not atoms.pbc.all() or atoms.cell.rank < 3:
        raise InputError(f"A crystal is strained, periodic in three directions; this is {atoms!r}.")
    scaled = []
    for strain in strains:
        if not -1 < strain < math.inf:
            raise InputError(f"A strain of the volume is {strain!r}. Give numbers above -1; 0.02 is 2 % more.")
        structure = atoms.copy()
        structure.set_cell(atoms.cell * (1 + strain) ** (1 / 3), scale_atoms=True)
        structure.info["volume_strain"] = float(strain)
        scaled.append(structure)
    return scaled
