"""Shape of molecules: whole across the boundary of a cell, on a line or not."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray

from adatom.errors import InputError

__all__ = ["DOUBTFUL", "LINEAR", "distance_from_line", "fitted_line", "is_linear", "make_whole"]

# A molecule counts as linear if no atom is farther from the line that fits best than this, in Å.
LINEAR = 0.1

# Distances from the line in Å between which that is doubtful. Relaxations to 0.01 eV/Å leave less than the lower one,
# and bent molecules have more than the upper one: 0.28 Å in triplet CH2, 0.38 Å in H2O.
DOUBTFUL = (0.03, 0.25)


def make_whole(atoms: Atoms) -> Atoms:
    """Return a molecule whose parts on both sides of a cell's boundary are together.

    Parameters
    ----------
    atoms
        Structure with one molecule in a periodic cell; it is not changed.

    Returns
    -------
    Atoms
        Copy that is not periodic, in which each atom is at the place of one of its periodic images, beside its nearest
        neighbour. The first atom stays where it is.

    Raises
    ------
    InputError
        The atoms are bound to their periodic images: they are a crystal or a chain, and no molecule.
    """
    whole: Atoms = atoms.copy()
    if not atoms.pbc.any():
        return whole
    vectors, lengths = get_distances(atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    # Prim's algorithm: of the atoms outside, the nearest one joins those that are together.
    neighbor, distances = np.zeros(len(atoms), dtype=int), lengths[0].copy()
    outside = np.arange(len(atoms)) > 0
    while outside.any():
        new = int(np.argmin(np.where(outside, distances, np.inf)))
        whole.positions[new] = whole.positions[neighbor[new]] + vectors[neighbor[new], new]
        outside[new] = False
        closer = lengths[new] < distances
        neighbor[closer], distances[closer] = new, lengths[new][closer]
    whole.pbc = False
    first, second, bonds = neighbor_list("ijD", atoms, list(1.1 * covalent_radii[atoms.numbers]))
    if (np.abs(whole.positions[second] - whole.positions[first] - bonds) > 0.1).any():
        raise InputError(
            f"{atoms.get_chemical_formula()} is bound to its periodic images, so that it is no molecule. Set "
            "molecule=False and model='harmonic', or take a larger cell."
        )
    return whole


def fitted_line(atoms: Atoms) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return where the atoms are, along and across the line that fits them best.

    Parameters
    ----------
    atoms
        Molecule of N atoms.

    Returns
    -------
    along : ndarray
        Places of the atoms on the line in Å, shape (N,), with a mean of 0.
    across : ndarray
        Distances of the atoms from the line in Å, shape (N,).
    """
    arms = atoms.positions - atoms.positions.mean(axis=0)
    axis = np.linalg.svd(arms)[2][0]
    along = arms @ axis
    return along, np.linalg.norm(arms - np.outer(along, axis), axis=1)


def distance_from_line(atoms: Atoms) -> float:
    """Return the distance in Å of the farthest atom from the line that fits the atoms best.

    Parameters
    ----------
    atoms
        Molecule.
    """
    return float(fitted_line(atoms)[1].max())


def is_linear(atoms: Atoms) -> bool:
    """Return whether a molecule of two or more atoms counts as linear: none is farther than 0.1 Å from a line.

    Parameters
    ----------
    atoms
        Molecule.
    """
    return len(atoms) > 1 and distance_from_line(atoms) <= LINEAR
