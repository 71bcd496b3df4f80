"""Atoms that the optimizer of a code holds."""

from __future__ import annotations

from ase import Atoms
from ase.constraints import FixAtoms

from adatom.errors import InputError

__all__ = ["fixed_atoms"]


def fixed_atoms(atoms: Atoms, code: str) -> list[int]:
    """Return the indices of atoms that stay where they are, for a code that holds nothing else.

    Parameters
    ----------
    atoms
        Structure with its constraints.
    code
        Name of the code, for error messages.

    Raises
    ------
    InputError
        A constraint is another one than `FixAtoms`.
    """
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            name = type(constraint).__name__
            raise InputError(f"{code} cannot hold what {name} holds: use ase_relax_job, or FixAtoms.")
    return sorted({int(i) for constraint in atoms.constraints for i in constraint.index})
