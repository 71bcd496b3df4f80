"""Lattice planes of a crystal, and their Miller indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.symmetry import keep_moments, symmetry_dataset
from adatom.errors import InputError, UnknownNameError

__all__ = ["MILLER_CELLS", "Plane", "distinct_planes", "in_cell", "miller_bravais"]

MILLER_CELLS = ("conventional", "hexagonal", "given")


@dataclass(frozen=True)
class Plane:
    """Lattice plane that stands for all those which the symmetry of the crystal makes equal to it.

    Attributes
    ----------
    given
        Miller index in the cell as it is given.
    index
        Miller index in the cell that was asked for: that of a plane which a symmetry makes equal to `given`.
    normal
        Reciprocal vector in Cartesian coordinates, in 1/Å, shape (3,), to which a symmetry brings that of `index`.
    polar
        Whether no symmetry exchanges the two sides of the plane.
    images
        Reciprocal vectors to which the G rotations of the crystal bring `normal`, shape (G, 3).
    """

    given: tuple[int, ...]
    index: list[int]
    normal: NDArray[np.float64]
    polar: bool
    images: NDArray[np.float64]


def distinct_planes(atoms: Atoms, kinds: NDArray[np.int64], max_index: int, miller_cell: str) -> list[Plane]:
    """Return the lattice planes of a crystal up to a Miller index, of those that its symmetry makes equal one.

    The symmetry is the point group of the crystal, not that of its lattice. The two sides of a plane are one plane.

    Parameters
    ----------
    atoms
        Crystal to find the planes of.
    kinds
        Number of the kind of each atom, shape (N,): atoms of different kinds are different atoms.
    max_index
        Largest Miller index in the cell as it is given.
    miller_cell
        Cell of the indices that are returned, one of `MILLER_CELLS`.

    Returns
    -------
    list of Plane
        Planes in the order of their indices in the given cell, the lowest first.

    Raises
    ------
    InputError
        spglib finds no symmetry, or the crystal is not hexagonal and `miller_cell` is ``"hexagonal"``.
    """
    if miller_cell not in MILLER_CELLS:
        raise UnknownNameError("cell of Miller indices", miller_cell, MILLER_CELLS)
    to_conventional, rotations, turns, number = _conventional(atoms, kinds)
    if miller_cell == "hexagonal" and not 143 <= number <= 194:
        raise InputError(
            f"{atoms.get_chemical_formula()} has space group {number}, and four Miller indices are for trigonal and "
            "hexagonal crystals, 143 to 194. Give miller_cell='conventional'."
        )
    planes: list[Plane] = []
    seen: set[tuple[int, ...]] = set()
    indices = [index for index in product(range(-max_index, max_index + 1), repeat=3) if math.gcd(*index) == 1]
    for given in sorted(indices[len(indices) // 2 :], key=_order):  # of h and -h, the one that is larger
        conventional = _coprime(given @ to_conventional)
        if tuple(conventional.tolist()) in seen:
            continue
        images = set(map(tuple, (conventional @ rotations).tolist()))
        others = set(map(tuple, (-conventional @ rotations).tolist()))
        seen |= images | others
        named = min(images | others, key=_order)
        index, side = (given, 1) if miller_cell == "given" else (named, 1 if named in images else -1)
        normal = side * np.linalg.solve(atoms.cell.array, given)
        shown = miller_bravais(index) if miller_cell == "hexagonal" else list(index)
        planes.append(Plane(given, shown, normal, images != others, turns @ normal))
    return planes


def in_cell(plane: Plane, rows: NDArray[np.float64], times: int) -> Plane:
    """Return a lattice plane in another cell of its crystal: of the planes that symmetry makes equal to it the lowest.

    Parameters
    ----------
    plane
        Plane of a crystal. That of the other cell is on the side of its `normal`.
    rows
        Vectors of the other cell in Å, shape (3, 3).
    times
        Number of these cells that the cell of `plane` is as large as.
    """
    indices = (plane.images @ rows.T * times).round().astype(int)
    given = min(set(map(tuple, _coprime(indices).tolist())), key=_order)
    return replace(plane, given=given, normal=np.linalg.solve(rows, given))


def miller_bravais(index: Sequence[int]) -> list[int]:
    """Return the four indices h, k, i = -(h + k) and l of a plane of a trigonal or hexagonal crystal.

    Parameters
    ----------
    index
        Miller index in the hexagonal cell, three integers.
    """
    h, k, l = index  # noqa: E741, the name in crystallography
    return [h, k, -(h + k), l]


def _conventional(atoms: Atoms, kinds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Any, int]:
    """Return the matrix to conventional indices, the point group there and in Cartesian axes, and the space group."""
    import spglib

    found = symmetry_dataset(atoms, kinds=kinds)
    # The cell vectors of the conventional cell are the columns of the inverse, in units of the given cell vectors,
    # which a cell that is not primitive makes fractions.
    primitive_cells = len(atoms) // len(set(found.mapping_to_primitive))
    matrix = np.linalg.inv(found.transformation_matrix) * atoms.cell.handedness
    # Not found.rotations: a supercell hides symmetries of its crystal.
    operations = spglib.get_symmetry_from_database(found.hall_number)
    rotations = np.unique(operations["rotations"], axis=0)
    centring = operations["translations"][(operations["rotations"] == np.eye(3)).all(axis=(1, 2))]
    matrix = matrix @ np.linalg.inv(_settled(found, rotations, centring))
    cell = matrix.T @ atoms.cell.array
    cartesian = cell.T @ rotations @ np.linalg.inv(cell.T)
    kept = keep_moments(atoms, cartesian)
    return (matrix * primitive_cells).round().astype(int), rotations[kept], cartesian[kept], found.number


def _settled(found: Any, rotations: NDArray[np.int64], centring: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rotation of the conventional cell to the one of its settings that does not depend on the given cell.

    The settings are rotations of the lattice which the crystal lacks, and which keep its space group: in quartz, half a
    turn about z exchanges (1 0 1) and (0 1 1). The one is chosen in which the structure factors are the largest.
    """
    import spglib

    if len(rotations) == 48:  # no lattice has more, so the crystal lacks none
        return np.eye(3, dtype=int)
    settings: dict[bytes, NDArray[np.int64]] = {}  # by what is the same for settings that a symmetry makes equal
    for turned in spglib.get_symmetry((found.std_lattice, [(0, 0, 0)], [1]), symprec=0.01)["rotations"]:
        back = np.linalg.inv(turned).round().astype(rotations.dtype)
        shifts = (centring @ turned.T)[:, None] - centring
        if (
            np.linalg.det(turned) > 0
            and (np.unique(turned @ rotations @ back, axis=0) == rotations).all()
            and (abs(shifts - shifts.round()).max(axis=2).min(axis=1) < 1e-6).all()
        ):
            settings.setdefault(np.unique(turned @ rotations, axis=0)[0].tobytes(), turned)
    low, high = (np.array([*product(range(-size, size + 1), repeat=3)]) for size in (1, 3))

    def factors(indices: NDArray[np.int64]) -> Any:
        return np.exp(2j * np.pi * indices @ found.std_positions.T) @ found.std_types / sum(found.std_types)

    def signature(turned: NDArray[np.int64]) -> list[float]:
        # Neither depends on the origin; the products of three, unlike the squares, differ between h and -h.
        squares = abs(factors(high @ turned)) ** 2
        one, other = (low @ turned)[:, None], (low @ turned)[None, :]
        threefold = factors(one) * factors(other) * factors(one + other).conj()
        return np.concatenate([squares, threefold.imag.ravel()]).round(6).tolist()

    return max(settings.values(), key=signature)


def _coprime(index: NDArray[np.int64]) -> NDArray[np.int64]:
    return index // np.gcd.reduce(index, axis=-1, keepdims=True)


def _order(index: tuple[int, ...]) -> tuple[Any, ...]:
    """Low indices come first, and of the same ones those with few minus signs, and with the larger numbers first."""
    h, k, l = index  # noqa: E741
    sizes = abs(h), abs(k), abs(l)
    return max(sizes), sum(sizes), (h < 0) + (k < 0) + (l < 0), -h, -k, -l
