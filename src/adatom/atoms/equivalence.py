"""Equivalence of atoms: what symmetry may exchange."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

__all__ = ["species_labels"]


def species_labels(atoms: Atoms, moments: bool = True, tolerance: float = 1e-3) -> NDArray[np.intp]:
    """Return a label for each atom, the same for atoms of the same element, mass and initial magnetic moment.

    Parameters
    ----------
    atoms
        Structure of N atoms. Their magnetic moments may be vectors.
    moments
        Whether magnetic moments count.
    tolerance
        Largest difference of masses (amu) and of moments (Bohr magnetons) that counts as none.

    Returns
    -------
    ndarray
        Integers from 0 on without gaps, shape (N,), in ascending order of element, mass and moment.
    """
    marks = np.column_stack([atoms.numbers, atoms.get_masses()])
    if moments:
        marks = np.column_stack([marks, atoms.get_initial_magnetic_moments()])
    groups = np.column_stack([_groups(column, tolerance) for column in marks.T])
    return np.unique(groups, axis=0, return_inverse=True)[1].ravel()


def _groups(values: NDArray[Any], tolerance: float) -> NDArray[np.intp]:
    """Return the number of the group of each value. A gap above the tolerance is between two groups."""
    order = np.argsort(values)
    groups = np.empty(len(values), dtype=np.intp)
    groups[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > tolerance)])
    return groups
