"""Results that structures carry, as arrays of one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from adatom.atoms.results import get_result
from adatom.errors import InputError
from adatom.schemas.property_errors import Array

__all__ = ["read_array"]

#: By name of a result, its shape for a number of atoms, and the shape in words.
_SHAPES: dict[str, Callable[[int], tuple[tuple[int, ...], str]]] = {
    "energy": lambda atoms: ((), "one number"),
    "forces": lambda atoms: ((atoms, 3), f"{atoms} x 3"),
    "stress": lambda atoms: ((6,), "6, or 3 x 3"),
}


def read_array(number: int, atoms: Atoms, prefix: str, name: str) -> Array | None:
    """Return a result that a structure carries as an array, or None if it has none.

    A stress may also be given as a virial, which is -stress x volume in eV.

    Parameters
    ----------
    number
        Number of the structure, for error messages.
    atoms
        Structure of N atoms that may carry results.
    prefix
        Prefix of the name, the same as in `adatom.atoms.results.get_result`.
    name
        Name of the result: ``"energy"``, ``"forces"`` or ``"stress"``.

    Returns
    -------
    ndarray or None
        Energy in eV, shape (); forces in eV/Å, shape (N, 3); stress in eV/Å³, shape (6,): xx, yy, zz, yz, xz, xy.

    Raises
    ------
    InputError
        The result does not have the shape that it should have.
    """
    key, value, scale = _find(atoms, prefix, name)
    if value is None:
        return None
    array = _as_array(name, value)
    shape, wanted = _SHAPES[name](len(atoms))
    if array.shape != shape:
        raise InputError(f"Structure {number}: {key} is {value!r}. It should be {wanted}.")
    return array if scale == 1 else array * scale


def _find(atoms: Atoms, prefix: str, name: str) -> tuple[str, Any, float]:
    """Return the key of a result, its value or None, and the factor by which the value is multiplied."""
    value = get_result(atoms, prefix, name)
    if value is None and name == "stress":
        virial = get_result(atoms, prefix, "virial")
        if virial is not None and atoms.cell.rank == 3:
            return f"{prefix}virial", virial, -1.0 / atoms.get_volume()
    return prefix + name, value, 1.0


def _as_array(name: str, value: Any) -> Array:
    """Return a result in one form. A value that is no array of numbers gets a shape that no result has."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return np.empty((0, 0, 0))
    if name == "energy" and array.shape == (1,):
        return array.reshape(())
    if name == "stress" and array.shape in ((9,), (3, 3)):
        return np.asarray(full_3x3_to_voigt_6_stress(array.reshape(3, 3)))
    return array
