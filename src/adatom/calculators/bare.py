"""The part of a structure that a single calculation of a code depends on."""

from __future__ import annotations

from ase import Atoms

from adatom.atoms.convert import right_handed

__all__ = ["bare"]


def bare(atoms: Atoms, *, periodic: bool = False) -> Atoms:
    """Return a copy with a right-handed cell, without constraints, velocities, masses and tags.

    Some codes refuse left-handed cells. Constraints and what moves are the matter of ASE, whose forces are those before
    constraints; in the input of a code they would change its forces.

    Parameters
    ----------
    atoms
        Structure, which is not changed.
    periodic
        Whether the code is periodic along all cell vectors whatever the structure.
    """
    given = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=periodic or atoms.pbc)
    given.set_initial_charges(atoms.get_initial_charges())
    given.set_initial_magnetic_moments(atoms.get_initial_magnetic_moments())
    return right_handed(given) if given.cell.handedness else given
