"""Time of a calculation against the number of atoms."""

from __future__ import annotations

from typing import Annotated, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.errors import InputError

__all__ = ["Scaling", "scaling"]

_Array = NDArray[np.float64]


class Scaling(TypedDict):
    """Time and memory of a calculation against the number of atoms, at P sizes.

    Attributes
    ----------
    name
        Kind of document: ``"scaling"``.
    atoms
        Numbers of atoms, shape (P,), the smallest first.
    seconds
        Shortest time of a call in s, shape (P,).
    seconds_per_atom
        Time of a call by the number of atoms, at the largest size, in s.
    exponent
        Exponent of the number of atoms by which the time grows from the second largest to the largest size: 1 for a
        potential of finite range.
    memory
        Largest memory of the process that computed, in MB, with all that it did before.
    """

    name: str
    atoms: _Array
    seconds: Annotated[_Array, "s"]
    seconds_per_atom: Annotated[float, "s"]
    exponent: float
    memory: Annotated[float, "MB"]


def scaling(atoms: ArrayLike, seconds: ArrayLike, memory: float) -> Scaling:
    """Return how the time of a calculation grows with the number of atoms.

    Parameters
    ----------
    atoms
        Numbers of atoms, two or more, ascending.
    seconds
        Shortest time of a call at each in s.
    memory
        Largest memory of the process in MB.

    Raises
    ------
    InputError
        There are fewer than two sizes, or they do not ascend.
    """
    sizes, times = np.asarray(atoms, dtype=float), np.asarray(seconds, dtype=float)
    if sizes.shape != times.shape or len(sizes) < 2 or (np.diff(sizes) <= 0).any():
        raise InputError(f"atoms are {sizes.tolist()}. Give two sizes or more, ascending, and as many times.")
    growth = np.log(times[-1] / times[-2]) / np.log(sizes[-1] / sizes[-2])
    return {
        "name": "scaling",
        "atoms": sizes,
        "seconds": times,
        "seconds_per_atom": float(times[-1] / sizes[-1]),
        "exponent": float(growth),
        "memory": memory,
    }
