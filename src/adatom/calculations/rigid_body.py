"""Motions of a structure as a whole, which are no vibrations."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.molecules import is_linear

__all__ = ["rigid_motions"]


def rigid_motions(atoms: Atoms, rotations: bool = True) -> NDArray[Any]:
    """Return translations and rotations as an orthonormal basis in mass-weighted coordinates.

    Parameters
    ----------
    atoms
        Structure of N atoms, with their masses; a molecule is whole.
    rotations
        Whether the structure can rotate; a crystal cannot.

    Returns
    -------
    ndarray
        Shape (3N, K). K is 3 without rotations and for one atom, 5 for a linear molecule, else 6. What would turn a
        linear molecule about its own axis is a part of its bending.

    Notes
    -----
    The Eckart frame: E. B. Wilson, J. C. Decius, P. C. Cross, *Molecular Vibrations* (1955), chapter 2.
    """
    root_mass = np.sqrt(atoms.get_masses())
    arms = atoms.positions - atoms.get_center_of_mass()
    axes = np.eye(3)
    motions = [np.outer(root_mass, axis).ravel() / np.linalg.norm(root_mass) for axis in axes]
    if rotations and len(atoms) > 1:
        turns = np.array([(root_mass[:, None] * np.cross(axis, arms)).ravel() for axis in axes]).T
        basis = np.linalg.svd(turns, full_matrices=False)[0]  # the rotation that moves the atoms most comes first
        motions += list(basis.T[: 2 if is_linear(atoms) else 3])
    return np.array(motions).T
