"""Motions of a structure as a whole, which are no vibrations."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

__all__ = ["rigid_motions"]


def rigid_motions(atoms: Atoms, rotations: bool = True, tolerance: float = 1e-3) -> NDArray[Any]:
    """Return translations and rotations as an orthonormal basis in mass-weighted coordinates.

    Parameters
    ----------
    atoms
        Structure of N atoms, with their masses.
    rotations
        Whether the structure can rotate; a crystal cannot.
    tolerance
        A rotation is left out if it moves the atoms by less than this fraction of the fastest rotation. It tells how
        straight a linear molecule has to be.

    Returns
    -------
    ndarray
        Shape (3N, K). K is 3 without rotations and for one atom, 5 for a linear molecule, else 6.

    Notes
    -----
    The Eckart frame: E. B. Wilson, J. C. Decius, P. C. Cross, *Molecular Vibrations* (1955), chapter 2.
    """
    root_mass = np.sqrt(atoms.get_masses())
    arms = atoms.positions - atoms.get_center_of_mass()
    axes = np.eye(3)
    motions = [np.outer(root_mass, axis).ravel() / np.linalg.norm(root_mass) for axis in axes]
    if rotations:
        turns = np.array([(root_mass[:, None] * np.cross(axis, arms)).ravel() for axis in axes]).T
        basis, sizes, _ = np.linalg.svd(turns, full_matrices=False)
        motions += list(basis[:, sizes > max(tolerance * sizes[0], 1e-6)].T)
    return np.array(motions).T
