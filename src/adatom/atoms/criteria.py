"""Criteria to stop molecular dynamics that has gone wrong: functions of a structure that return true to stop."""

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
    """Criterion: two atoms, or an atom and its own image, are closer than a part of the sum of their covalent radii.

    Attributes
    ----------
    fraction
        Part of the sum of the covalent radii, above 0.

    Raises
    ------
    InputError
        `fraction` is not a number above 0.
    """

    fraction: float = 0.6

    def __post_init__(self) -> None:
        _check(self, "fraction", self.fraction)

    def __call__(self, atoms: Atoms) -> bool:
        """Return whether two atoms of a structure are too close."""
        radii = self.fraction * covalent_radii[atoms.numbers]
        return len(neighbor_list("i", atoms, radii.tolist())) > 0


@dataclass(frozen=True)
class TemperatureAbove:
    """Criterion: the temperature of the velocities, which fluctuates more the fewer atoms there are, is above a limit.

    It is that of ASE, for which all motion is heat, also that of the structure as a whole.

    Attributes
    ----------
    limit
        Highest temperature that is accepted, in K.

    Raises
    ------
    InputError
        `limit` is not a number above 0.
    """

    limit: float

    def __post_init__(self) -> None:
        _check(self, "limit", self.limit)

    def __call__(self, atoms: Atoms) -> bool:
        """Return whether the temperature of a structure is above the limit."""
        return bool(atoms.get_temperature() > self.limit)


@dataclass(frozen=True)
class ForcesAbove:
    """Criterion: the force on an atom is longer than a limit, without the part that a constraint takes away.

    Attributes
    ----------
    limit
        Longest force that is accepted, in eV/Å.

    Raises
    ------
    InputError
        `limit` is not a number above 0.
    """

    limit: float

    def __post_init__(self) -> None:
        _check(self, "limit", self.limit)

    def __call__(self, atoms: Atoms) -> bool:
        """Return whether the force on an atom of a structure is longer than the limit."""
        return bool((np.linalg.norm(atoms.get_forces(), axis=1) > self.limit).any())


def _check(criterion: object, name: str, value: object) -> None:
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < np.inf:
        raise InputError(f"{type(criterion).__name__}({name}={value!r}): give a number above 0.")
