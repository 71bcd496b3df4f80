"""Supercells of a crystal that are nearly cubic."""

from __future__ import annotations

import math

from ase import Atoms

from adatom.atoms.convert import to_pymatgen
from adatom.atoms.deformations import check_crystal
from adatom.errors import InputError

__all__ = ["make_supercell"]


def make_supercell(atoms: Atoms, *, min_length: float = 10.0, min_atoms: int = 80, max_atoms: int = 240) -> Atoms:
    """Return a supercell as close to a cube along x, y and z as may be, by pymatgen's ``CubicSupercellTransformation``.

    Parameters
    ----------
    atoms
        Crystal to repeat; it is not changed. Its orientation is kept.
    min_length
        Least length of the supercell in Å.
    min_atoms, max_atoms
        Least and largest number of atoms of the supercell.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, or no such cell is found.
    """
    check_crystal(atoms)
    if not 0 < min_length < math.inf:
        raise InputError(f"min_length is {min_length!r}. Give a length in Å, above 0.")
    if not 0 < min_atoms <= max_atoms:
        raise InputError(
            f"min_atoms is {min_atoms!r} and max_atoms {max_atoms!r}. Give numbers above 0, in this order."
        )
    from ase.build import make_supercell as repeated
    from pymatgen.transformations.advanced_transformations import CubicSupercellTransformation

    transformation = CubicSupercellTransformation(min_atoms, max_atoms, min_length)
    try:
        transformation.apply_transformation(to_pymatgen(atoms))
    except AttributeError as error:
        raise InputError(
            f"For {atoms.get_chemical_formula()} no supercell is found of {min_atoms} to {max_atoms} atoms that is "
            f"{min_length} Å long or more in each direction. Raise max_atoms, or lower min_length and min_atoms."
        ) from error
    supercell: Atoms = repeated(atoms, transformation.transformation_matrix)
    return supercell
