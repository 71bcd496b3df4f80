"""Charge and spin of a structure, for the calculators of ASE that take them from its atoms."""

from __future__ import annotations

from ase import Atoms

__all__ = ["with_state"]


def with_state(atoms: Atoms, charge: float | None, multiplicity: int | None) -> Atoms:
    """Return a copy of a structure whose initial charges and moments add up to a charge and a spin.

    Parameters
    ----------
    atoms
        Structure, which is not changed.
    charge
        Charge in e. None: the sum of the initial charges stays.
    multiplicity
        Spin multiplicity, 2S + 1. None: the sum of the initial magnetic moments stays.
    """
    given = atoms.copy()
    first = [1.0] + [0.0] * (len(atoms) - 1)
    if charge is not None:
        given.set_initial_charges([charge * one for one in first])
    if multiplicity is not None:
        given.set_initial_magnetic_moments([(multiplicity - 1) * one for one in first])
    return given
