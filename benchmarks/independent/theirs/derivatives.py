"""Finite differences, of the fourth order in the step."""

from collections.abc import Callable, Sequence

import numpy as np
from ase import Atoms


def first(function: Callable[[float], float], step: float) -> float:
    """The first derivative at 0."""
    near, far = function(step) - function(-step), function(2 * step) - function(-2 * step)
    return (8 * near - far) / (12 * step)


def second(function: Callable[[float], float], step: float) -> float:
    """The second derivative at 0."""
    near, far = function(step) + function(-step), function(2 * step) + function(-2 * step)
    return (16 * near - far - 30 * function(0.0)) / (12 * step**2)


def moved(atoms: Atoms, index: int, way: Sequence[float]) -> Atoms:
    """A copy with one atom moved, in Å."""
    copy = atoms.copy()
    copy.set_constraint()
    copy.positions[index] += way
    return copy


def strained(atoms: Atoms, strain: np.ndarray) -> Atoms:
    """A copy whose cell and atoms are strained by 1 + `strain`."""
    copy = atoms.copy()
    copy.set_constraint()
    copy.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return copy
