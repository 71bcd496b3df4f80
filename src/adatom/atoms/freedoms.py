"""Degrees of freedom that hold the heat of a structure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.constraints import FixAtoms, FixCartesian, FixedLine, FixedPlane, FixScaled
from numpy.typing import NDArray

__all__ = ["Freedoms"]

# Dynamics, by the names of ASE's classes, that exchange heat with the motion of the centre of mass.
_HEATING_THE_CENTRE = {"Langevin"}
# Constraints that act on each of their atoms by itself.
_ON_SINGLE_ATOMS = (FixAtoms, FixCartesian, FixScaled, FixedLine, FixedPlane)


class Freedoms:
    """Degrees of freedom over which the kinetic energy of a structure is spread, and the temperature that follows.

    A structure of N atoms has 3N of them, less those that its constraints take, and less three for its motion as a
    whole if that keeps its velocity: what moves through space like one body is not hot. The three are fewer if
    constraints hold the structure along an axis, none for a single atom, and none in Langevin dynamics, whose friction
    and random forces act on the centre of mass, too.

    Parameters
    ----------
    atoms
        Structure with its masses and constraints.
    dynamics
        Name of ASE's class that moves the atoms.

    Attributes
    ----------
    count
        Number of degrees of freedom.

    Raises
    ------
    NotImplementedError
        A constraint does not tell how many degrees of freedom it takes.
    """

    def __init__(self, atoms: Atoms, dynamics: str) -> None:
        self._masses = atoms.get_masses()[:, None]
        hot = dynamics in _HEATING_THE_CENTRE or len(atoms) == 1
        self._axes = np.zeros((3, 0)) if hot else _free_axes(atoms, self._masses)
        self.count = 3 * len(atoms) - _held(atoms) - self._axes.shape[1]

    def drift(self, momenta: NDArray[Any]) -> NDArray[Any]:
        """Return the part of the momenta that is no heat, but the motion of the structure as a whole.

        Parameters
        ----------
        momenta
            Momenta in ASE's units, shape (N, 3).
        """
        velocity = momenta.sum(axis=0) / self._masses.sum()
        drift: NDArray[Any] = self._masses * (self._axes @ (self._axes.T @ velocity))
        return drift

    def kinetic_energy(self, momenta: NDArray[Any]) -> float:
        """Return the kinetic energy in eV of the motion that is heat.

        Parameters
        ----------
        momenta
            Momenta in ASE's units, shape (N, 3).
        """
        return float(((momenta - self.drift(momenta)) ** 2 / self._masses).sum() / 2)

    def temperature(self, momenta: NDArray[Any]) -> float:
        """Return the temperature in K: that of which each degree of freedom has half of kT on average.

        Parameters
        ----------
        momenta
            Momenta in ASE's units, shape (N, 3).
        """
        return 2 * self.kinetic_energy(momenta) / (self.count * units.kB)


def _held(atoms: Atoms) -> int:
    """Return the number of degrees of freedom that constraints take; what two of them hold on an atom counts once."""
    single = [each for each in atoms.constraints if isinstance(each, _ON_SINGLE_ATOMS)]
    others = [each for each in atoms.constraints if not isinstance(each, _ON_SINGLE_ATOMS)]
    held = sum(int(each.get_removed_dof(atoms)) for each in others)
    if single:
        units_of_all = np.broadcast_to(np.eye(3)[:, None], (3, len(atoms), 3))
        allowed = np.array([_allowed(atoms, single, momenta) for momenta in units_of_all])
        held += int(np.linalg.matrix_rank((allowed - units_of_all).swapaxes(0, 1), tol=1e-6).sum())
    return held


def _allowed(atoms: Atoms, constraints: Iterable[Any], momenta: NDArray[Any]) -> NDArray[Any]:
    """Return the part of the momenta that constraints leave."""
    allowed = momenta.copy()
    for constraint in constraints:
        constraint.adjust_momenta(atoms, allowed)
    return allowed


def _free_axes(atoms: Atoms, masses: NDArray[Any]) -> NDArray[Any]:
    """Return the axes, shape (3, K), along which the constraints let the whole structure move."""
    changes = []
    for axis in np.eye(3):
        whole = masses * axis
        changes.append(((_allowed(atoms, atoms.constraints, whole) - whole) / np.sqrt(masses)).ravel())
    turned, sizes, _ = np.linalg.svd(np.array(changes))
    return turned[:, sizes < 1e-6 * np.sqrt(masses.sum())]
