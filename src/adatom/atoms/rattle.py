"""Structures with their atoms displaced at random."""

from __future__ import annotations

import math

import numpy as np
from ase import Atoms

from adatom.atoms.deformations import check_crystal
from adatom.atoms.results import without_results
from adatom.errors import InputError

__all__ = ["rattle"]


def rattle(atoms: Atoms, stdev: float, rng: np.random.Generator, cell_stdev: float = 0.0) -> Atoms:
    """Return a structure with its atoms displaced at random and, if wished, its cell strained at random.

    Parameters
    ----------
    atoms
        Structure to displace; it is not changed.
    stdev
        Standard deviation in Å of each component of the displacements, which are normally distributed. Atoms that a
        constraint holds stay.
    rng
        Generator of random numbers, such as ``numpy.random.default_rng(1)``. One generator for several structures gives
        each of them other displacements.
    cell_stdev
        Standard deviation of each of the six components of the strain of the cell, also normally distributed: 0.02 is
        2 % of its lengths. The cell is strained first, and all atoms with it; it is not turned. 0: the cell is kept.

    Returns
    -------
    Atoms
        Structure with all that `atoms` has but results, which would be those of another structure.

    Raises
    ------
    InputError
        A standard deviation is below 0, `rng` is no generator, or a cell is to be strained that is not that of a
        crystal.

    Notes
    -----
    The strain is logarithmic: the cell vectors are multiplied by exp(strain), which leaves a volume however large the
    strain is.
    """
    for name, value in (("stdev", stdev), ("cell_stdev", cell_stdev)):
        if not 0 <= value < math.inf:
            raise InputError(f"{name} is {value!r}. Give a standard deviation of at least 0.")
    if not isinstance(rng, np.random.Generator):  # a seed would displace all structures of a set alike
        raise InputError(f"rng is {rng!r}. Give a generator: numpy.random.default_rng(1).")
    rattled = without_results(atoms)
    displacements = rng.normal(scale=stdev, size=(len(atoms), 3))
    if cell_stdev:
        check_crystal(atoms)
        rattled.set_cell(atoms.cell.array @ _exp(_symmetric(rng.normal(scale=cell_stdev, size=6))), scale_atoms=True)
    rattled.set_positions(rattled.positions + displacements)
    return rattled


def _symmetric(components: np.ndarray) -> np.ndarray:
    xx, yy, zz, yz, xz, xy = components
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def _exp(strain: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh(strain)
    return axes * np.exp(values) @ axes.T
