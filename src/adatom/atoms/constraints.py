"""Constraints of a structure that is made of another one."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
from ase import Atoms

from adatom.errors import InputError

__all__ = ["check_constraints", "spread_constraints", "without_atom", "without_symmetry"]

# These name atoms and Cartesian directions, and hold nothing that changes with the cell.
_OF_ATOMS = {"FixAtoms", "FixCartesian", "FixedLine", "FixedPlane"}
_WITHOUT_AN_ATOM = _OF_ATOMS | {"FixCom", "FixScaled", "FixSubsetCom"}
_UNDER_STRAIN = _WITHOUT_AN_ATOM | {"FixSymmetry"}


def check_constraints(structure: Atoms, what: str) -> None:
    """Refuse constraints that do not hold in a strained crystal.

    Parameters
    ----------
    structure
        Strained crystal, with the constraints that it had without strain.
    what
        Words for the error: the change of the crystal.

    Raises
    ------
    InputError
        A constraint holds lengths, angles or modes, which are others under strain.
    """
    for constraint in structure.constraints:
        _refuse(structure, constraint, _UNDER_STRAIN, what)


def without_symmetry(structure: Atoms) -> Atoms:
    """Return a structure without ``FixSymmetry``, for one that lacks the symmetry.

    Parameters
    ----------
    structure
        Structure, which is not changed.
    """
    free: Atoms = structure.copy()
    free.set_constraint([constraint for constraint in free.constraints if _name(constraint) != "FixSymmetry"])
    return free


def spread_constraints(structure: Atoms, start: Atoms, sources: Sequence[int]) -> None:
    """Give a supercell the constraints of its cell.

    Parameters
    ----------
    structure
        Supercell, whose constraints are set.
    start
        Cell with the constraints.
    sources
        For each atom of `structure`, the number of the atom of `start` that it is an image of.

    Raises
    ------
    InputError
        A constraint is not one of atoms and Cartesian directions.
    """
    spread = []
    for constraint in start.constraints:
        _refuse(start, constraint, _OF_ATOMS, "in a supercell along other vectors")
        image = deepcopy(constraint)
        image.index = np.flatnonzero(np.isin(sources, constraint.index))
        spread.append(image)
    structure.set_constraint(spread)


def without_atom(structure: Atoms, index: int) -> Atoms:
    """Return a structure without one of its atoms, the constraints of the others kept.

    Parameters
    ----------
    structure
        Structure, which is not changed.
    index
        Number of the atom.

    Raises
    ------
    InputError
        A constraint is not one of atoms and directions.
    """
    for constraint in structure.constraints:
        _refuse(structure, constraint, _WITHOUT_AN_ATOM, "when an atom is taken away")
    smaller: Atoms = structure[np.delete(np.arange(len(structure)), index)]
    whole = [deepcopy(constraint) for constraint in structure.constraints if _name(constraint) == "FixCom"]
    smaller.set_constraint([*smaller.constraints, *whole])  # ASE leaves it out
    return smaller


def _name(constraint: object) -> str:
    return type(constraint).__name__


def _refuse(structure: Atoms, constraint: object, known: set[str], what: str) -> None:
    if _name(constraint) not in known:
        raise InputError(
            f"{structure.get_chemical_formula()} has the constraint {_name(constraint)}, which does not hold {what}. "
            f"These do: {', '.join(sorted(known))}. Remove it with atoms.set_constraint."
        )
