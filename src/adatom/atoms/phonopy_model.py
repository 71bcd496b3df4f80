"""phonopy's model of a crystal."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from adatom.errors import InputError

__all__ = ["phonopy_model", "space_group"]


def phonopy_model(cell: Any, supercell_matrix: ArrayLike, primitive_matrix: Any, symprec: float) -> Any:
    """Return a ``phonopy.Phonopy``, which finds the symmetry of the cell and of the supercell.

    Parameters
    ----------
    cell
        Crystal, a ``PhonopyAtoms``.
    supercell_matrix
        phonopy's matrix of the supercell, shape (3, 3).
    primitive_matrix
        phonopy's matrix of the primitive cell; ``"P"``: the cell is taken as primitive. None: spglib finds it.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Raises
    ------
    InputError
        spglib finds no symmetry, as of some cells of crystals with magnetic moments.
    """
    from phonopy import Phonopy
    from phonopy.structure.cells import guess_primitive_matrix

    try:
        if primitive_matrix is None:
            primitive_matrix = guess_primitive_matrix(cell, symprec=symprec, distinguish_symbol_index=True)
        return Phonopy(cell, supercell_matrix, primitive_matrix, symprec=symprec, distinguish_symbol_index=True)
    except Exception as error:  # its class depends on the version of spglib
        if "spglib" not in f"{type(error).__module__}{type(error).__name__}".lower():
            raise
        magnetic = " with initial magnetic moments" if cell.magnetic_moments is not None else ""
        raise InputError(
            f"spglib finds no symmetry of the crystal{magnetic}, which phonons need: {error}. Give the crystal in "
            f"another cell, such as its primitive one, or another symprec than {symprec} (Å)."
        ) from error


def space_group(model: Any, symprec: float) -> str:
    """Return the space group of the positions, without moments, such as ``"Fm-3m (225)"``.

    Parameters
    ----------
    model
        ``phonopy.Phonopy`` of the crystal.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.
    """
    found = model.primitive_symmetry.dataset
    if hasattr(found, "international"):
        return f"{found.international} ({found.number})"
    from spglib import get_spacegroup

    return str(get_spacegroup(model.unitcell.totuple(distinguish_symbol_index=True)[:3], symprec=symprec))
