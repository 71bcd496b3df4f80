"""A structure as VASP gets it: with its moments, and in a cell that it takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

__all__ = ["alike", "right_handed", "with_moments"]


def right_handed(atoms: Atoms) -> Atoms:
    """Return a periodic copy with a right-handed cell: VASP refuses others, and the opposite vectors span the same.

    Parameters
    ----------
    atoms
        Structure, which is not changed.
    """
    given = atoms.copy()
    given.pbc = True
    if given.cell.handedness < 0:
        given.set_cell(-given.cell.array)
    return given


def with_moments(atoms: Atoms, moments: Sequence[float] | None) -> Atoms:
    """Return a structure with the moments that VASP gets.

    Parameters
    ----------
    atoms
        Structure, which is not changed.
    moments
        Same as in `adatom.calculators.vasp.make.make_vasp`.
    """
    if moments is None:
        return atoms
    given = atoms.copy()
    given.set_initial_magnetic_moments(moments)
    return given


def alike(atoms: Atoms, moments: NDArray[np.float64], least: float = 0.05) -> list[float]:
    """Return moments of which those that are nearly the same, of one element, are the same; zeros if all are small.

    Parameters
    ----------
    atoms
        Structure that has them.
    moments
        Magnetic moment of each atom, in Bohr magnetons.
    least
        Largest difference, in Bohr magnetons, that is none.
    """
    found = np.zeros(len(atoms))
    if np.abs(moments).max() > least:
        for number in set(atoms.numbers):
            (places,) = np.nonzero(atoms.numbers == number)
            places = places[np.argsort(moments[places])]
            for group in np.split(places, 1 + np.nonzero(np.diff(moments[places]) > least)[0]):
                found[group] = round(float(moments[group].mean()), 3)
    return [float(moment) for moment in found]
