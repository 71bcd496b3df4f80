"""Supercells of a structure: repeated as often as asked, or as close to a cube as may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.constraints import spread_constraints
from adatom.atoms.convert import to_pymatgen
from adatom.atoms.deformations import check_crystal
from adatom.atoms.primitive import primitive_cell
from adatom.atoms.results import without_results
from adatom.atoms.symmetry import symmetry_dataset
from adatom.errors import InputError

__all__ = ["make_cubic_supercell", "make_supercell"]


def make_supercell(
    atoms: Atoms,
    size: int | Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    min_length: float | None = None,
) -> Atoms:
    """Return a structure repeated along its cell vectors.

    Parameters
    ----------
    atoms
        Structure to repeat; it is not changed. It is repeated along periodic directions only.
    size
        Number of repetitions along each periodic direction; three integers; or a matrix of integers, as of
        `ase.build.make_supercell`: its rows are the new cell vectors in units of the old ones.
    min_length
        Least length in Å of each cell vector along a periodic direction; it takes the place of `size`.

    Returns
    -------
    Atoms
        Supercell with all that `atoms` has but results.

    Raises
    ------
    InputError
        Both or neither of `size` and `min_length` are given, or `atoms` or one of its constraints cannot be repeated
        so.
    """
    if (size is None) == (min_length is None):
        raise InputError(
            f"size is {size!r} and min_length {min_length!r}. Give one of both: size=(2, 2, 2), or min_length=10 (Å)."
        )
    matrix = _at_least(atoms, min_length) if min_length is not None else _as_matrix(atoms, size)
    cell = atoms.cell.array[atoms.pbc]
    if len(cell) and np.linalg.matrix_rank(cell) < len(cell):  # NumPy 1 knows no rank of an empty matrix
        raise InputError(
            f"{atoms.get_chemical_formula()} is periodic along {atoms.pbc.tolist()}, but its cell vectors are "
            f"{atoms.cell.tolist()}. Set a cell with atoms.set_cell."
        )
    beyond = (matrix - np.eye(3)).any(axis=0) | (matrix - np.eye(3)).any(axis=1)
    if (beyond & ~atoms.pbc).any():
        raise InputError(
            f"{atoms.get_chemical_formula()} is periodic along {atoms.pbc.tolist()}, and is to be repeated by "
            f"{matrix.tolist()}. Repeat it along periodic cell vectors only."
        )
    start = without_results(atoms)
    if not (matrix - np.diag(np.diag(matrix))).any():
        try:
            return start.repeat(np.diag(matrix).tolist())
        except NotImplementedError as error:
            names = ", ".join(type(constraint).__name__ for constraint in start.constraints)
            raise InputError(
                f"{atoms.get_chemical_formula()} has constraints ({names}) of which one cannot be repeated. Remove "
                "them with atoms.set_constraint."
            ) from error
    return _tiled(start, matrix)


def make_cubic_supercell(atoms: Atoms, *, min_length: float = 10.0, min_atoms: int = 80, max_atoms: int = 240) -> Atoms:
    """Return a supercell as close to a cube as may be, by pymatgen's ``CubicSupercellTransformation``.

    The edges of the cube are those of the conventional cell in spglib's standard orientation, however the crystal is
    turned. The supercell is the same whatever cell of the crystal is given. Where it is none of that cell, which then
    is larger than the primitive one, constraints, tags and further arrays are those of the first of the atoms that a
    translation makes equal.

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
    check_crystal(atoms, "A supercell is made of a crystal")
    if not 0 < min_length < math.inf:
        raise InputError(f"min_length is {min_length!r}. Give a length in Å, above 0.")
    if not 0 < min_atoms <= max_atoms:
        raise InputError(
            f"min_atoms is {min_atoms!r} and max_atoms {max_atoms!r}. Give numbers above 0, in this order."
        )
    from pymatgen.transformations.advanced_transformations import CubicSupercellTransformation

    start = without_results(atoms)
    smallest = primitive_cell(start)
    transformation = CubicSupercellTransformation(min_atoms, max_atoms, min_length)
    try:
        transformation.apply_transformation(to_pymatgen(_in_standard_orientation(smallest)))
    except AttributeError as error:
        raise InputError(
            f"For {atoms.get_chemical_formula()} no supercell is found of {min_atoms} to {max_atoms} atoms that is "
            f"{min_length} Å long or more in each direction. Raise max_atoms, or lower min_length and min_atoms."
        ) from error
    matrix = transformation.transformation_matrix
    times = matrix @ smallest.cell.array @ np.linalg.inv(atoms.cell.array)
    if np.abs(times - times.round()).max() < 1e-6:
        return _tiled(start, times.round().astype(int))
    return _tiled(smallest, matrix)


def _tiled(atoms: Atoms, matrix: NDArray[np.int64]) -> Atoms:
    """Return ASE's supercell of a matrix, with what ASE leaves out."""
    from ase import build

    numbered = atoms.copy()
    numbered.set_array("adatom_source", np.arange(len(atoms)))
    made: Atoms = build.make_supercell(numbered, matrix)
    spread_constraints(made, atoms, made.arrays.pop("adatom_source").tolist())
    made.info = numbered.info
    made.set_celldisp(atoms.get_celldisp())
    return made


def _in_standard_orientation(atoms: Atoms) -> Atoms:
    turned = atoms.copy()
    turned.set_cell(turned.cell.array @ symmetry_dataset(atoms).std_rotation_matrix.T, scale_atoms=True)
    return turned


def _at_least(atoms: Atoms, min_length: float) -> NDArray[np.int64]:
    if not 0 < min_length < math.inf:
        raise InputError(f"min_length is {min_length!r}. Give a length in Å above 0.")
    if not atoms.pbc.any():
        raise InputError(f"{atoms.get_chemical_formula()} is not periodic: it cannot be repeated.")
    # 1e-6 less, so that a length that rounding has made a little shorter than min_length is enough
    return np.diag(
        [
            math.ceil(min_length / length - 1e-6) if periodic and length else 1
            for length, periodic in zip(atoms.cell.lengths(), atoms.pbc, strict=True)
        ]
    )


def _as_matrix(atoms: Atoms, size: object) -> NDArray[np.int64]:
    try:
        matrix = np.asarray(size)
    except ValueError:  # rows of different lengths
        matrix = np.array(None)
    if matrix.shape == () and np.issubdtype(matrix.dtype, np.integer):
        matrix = np.where(atoms.pbc, matrix, 1)
    if matrix.shape == (3,):
        matrix = np.diag(matrix) if (matrix > 0).all() else np.zeros((3, 3))
    if matrix.shape != (3, 3) or not np.issubdtype(matrix.dtype, np.integer) or round(np.linalg.det(matrix)) < 1:
        raise InputError(
            f"size is {size!r}. Give an integer above 0, three of them, or three rows of three with a determinant "
            "above 0."
        )
    return matrix
