"""What ends dynamics that have gone wrong: functions of a structure, true when it is time to stop."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from adatom.errors import InputError

__all__ = ["ForcesAbove", "TemperatureAbove", "TooClose"]


@dataclass(frozen=True)
class TooClose:
    """Whether two atoms, or an atom and its own image, are closer than a part of the sum of their covalent radii.

    Attributes
    ----------
    fraction
        That part.

    Raises
    ------
    InputError
        It is not a number above 0.
    """

    fraction: float = 0.6

    def __post_init__(self) -> None:
        _check(self, "fraction", self.fraction)

    def __call__(self, atoms: Atoms) -> bool:
        """Look at a structure."""
        radii = self.fraction * covalent_radii[atoms.numbers]
        return len(neighbor_list("i", atoms, radii.tolist())) > 0


@dataclass(frozen=True)
class TemperatureAbove:
    """Whether the temperature of the velocities, which fluctuates more the fewer atoms there are, is above a limit.

    Attributes
    ----------
    limit
        In K.

    Raises
    ------
    InputError
        It is not a number above 0.
    """

    limit: float

    def __post_init__(self) -> None:
        _check(self, "limit", self.limit)

    def __call__(self, atoms: Atoms) -> bool:
        """Look at a structure."""
        return bool(atoms.get_temperature() > self.limit)


@dataclass(frozen=True)
class ForcesAbove:
    """Whether the force on an atom is longer than a limit; what a constraint takes of it does not count.

    Attributes
    ----------
    limit
        In eV/Å.

    Raises
    ------
    InputError
        It is not a number above 0.
    """

    limit: float

    def __post_init__(self) -> None:
        _check(self, "limit", self.limit)

    def __call__(self, atoms: Atoms) -> bool:
        """Look at a structure."""
        return bool((np.linalg.norm(atoms.get_forces(), axis=1) > self.limit).any())


def _check(criterion: object, name: str, value: object) -> None:
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < np.inf:
        raise InputError(f"{type(criterion).__name__}({name}={value!r}): give a number above 0.")
