"""Degrees of freedom that hold the heat of a structure."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

__all__ = ["Freedoms"]

# Dynamics, by the names of ASE's classes, that exchange heat with the motion of the centre of mass.
_HEATING_THE_CENTRE = {"Langevin"}


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
        self.count = int(atoms.get_number_of_degrees_of_freedom()) - self._axes.shape[1]

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


def _free_axes(atoms: Atoms, masses: NDArray[Any]) -> NDArray[Any]:
    """Return the axes, shape (3, K), along which the constraints let the whole structure move."""
    changes = []
    for axis in np.eye(3):
        whole = masses * axis
        allowed = whole.copy()
        for constraint in atoms.constraints:
            constraint.adjust_momenta(atoms, allowed)
        changes.append(((allowed - whole) / np.sqrt(masses)).ravel())
    turned, sizes, _ = np.linalg.svd(np.array(changes))
    return turned[:, sizes < 1e-6 * np.sqrt(masses.sum())]
