"""Point groups of molecules."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.equivalence import species_labels
from adatom.atoms.molecules import fitted_line, is_linear
from adatom.errors import InputError

__all__ = ["SYMMETRY_TOLERANCE", "MolecularSymmetry", "check_tolerance", "molecular_symmetry"]

# In Å. Molecules that are relaxed to 0.01 eV/Å are within it, but for some that turn their methyl groups easily.
SYMMETRY_TOLERANCE = 0.05


@dataclass(frozen=True)
class MolecularSymmetry:
    """Symmetry of a molecule.

    Attributes
    ----------
    point_group
        Point group as Schoenflies writes it: ``"C2v"``, ``"D*h"`` for CO2, ``"Kh"`` for an atom.
    symmetry_number
        Number of orientations that look alike: that of the proper rotations in the point group, 2 for ``"D*h"``, 1 for
        ``"C*v"`` and ``"Kh"``.
    linear
        Whether the molecule is linear.
    """

    point_group: str
    symmetry_number: int
    linear: bool


@dataclass(frozen=True)
class _Operation:
    permutation: tuple[int, ...]
    handedness: int
    matrix: NDArray[Any]
    deviation: float


def molecular_symmetry(atoms: Atoms, tolerance: float = SYMMETRY_TOLERANCE) -> MolecularSymmetry:
    """Return the symmetry of a molecule.

    Parameters
    ----------
    atoms
        Molecule, whole. Symmetry exchanges only atoms of the same element and mass; neither cell, charges nor magnetic
        moments count.
    tolerance
        Largest distance in Å of an atom from the image of the atom that a symmetry brings to its place; at most 0.5.

    Raises
    ------
    InputError
        The tolerance is not above 0, or too large, or atoms are at one place.
    """
    check_tolerance(tolerance)
    labels = species_labels(atoms, moments=False)
    if len(atoms) == 1:
        return MolecularSymmetry("Kh", 1, False)
    if is_linear(atoms):
        along = fitted_line(atoms)[0]
        order = np.argsort(along)
        places, kinds = along[order], labels[order]
        turns = (kinds == kinds[::-1]).all() and np.abs(places + places[::-1]).max() <= tolerance
        return MolecularSymmetry("D*h" if turns else "C*v", 2 if turns else 1, True)
    operations = _closed(_operations(atoms.positions - atoms.positions.mean(axis=0), labels, tolerance))
    if not operations:  # not even the identity
        raise InputError(f"{atoms.get_chemical_formula()} has atoms at one place. Move them apart.")
    return MolecularSymmetry(_name(operations), sum(one.handedness > 0 for one in operations), False)


def check_tolerance(tolerance: float) -> None:
    """Refuse what is no tolerance for the symmetry of a molecule.

    Parameters
    ----------
    tolerance
        Value that was given, in Å.

    Raises
    ------
    InputError
        The value is not above 0, or above 0.5 Å, where atoms and their neighbours are no longer told apart.
    """
    if not isinstance(tolerance, Real) or isinstance(tolerance, bool) or not 0 < float(tolerance) <= 0.5:
        raise InputError(f"symmetry_tolerance is {tolerance!r}. Give a distance in Å, above 0 and at most 0.5.")


def _operations(arms: NDArray[Any], labels: NDArray[Any], tolerance: float) -> list[_Operation]:
    """Return the operations that exchange atoms of the same label, each once.

    An operation is known by its handedness and by the images of two atoms that are not on a line with the center.
    """
    radii = np.linalg.norm(arms, axis=1)
    alike = (labels[:, None] == labels) & (np.abs(radii[:, None] - radii) <= 2 * tolerance)
    first, second = _reference(arms, alike)
    distances = np.linalg.norm(arms[:, None] - arms, axis=2)
    fits = np.outer(alike[first], alike[second]) & (np.abs(distances - distances[first, second]) <= 2 * tolerance)
    found: dict[tuple[Any, ...], _Operation] = {}
    for images in np.argwhere(fits):
        for handedness in (1, -1):
            matrix = _fit(arms[[first, second]], arms[images], handedness)
            permutation = _images(arms @ matrix.T, arms, labels)
            if permutation is None or (key := (*permutation, handedness)) in found:
                continue
            matrix = _fit(arms, arms[list(permutation)], handedness)
            deviation = float(np.linalg.norm(arms @ matrix.T - arms[list(permutation)], axis=1).max())
            if deviation <= tolerance:
                found[key] = _Operation(permutation, handedness, matrix, deviation)
    return list(found.values())


def _reference(arms: NDArray[Any], alike: NDArray[Any]) -> tuple[int, int]:
    """Return two atoms that few others are like, and that are not on a line with the center."""
    areas = np.linalg.norm(np.cross(arms[:, None], arms), axis=2)
    counts = alike.sum(axis=1)
    choices = np.where(areas > areas.max() / 4, np.outer(counts, counts), np.inf)
    first, second = np.unravel_index(np.argmin(choices), choices.shape)
    return int(first), int(second)


def _fit(start: NDArray[Any], end: NDArray[Any], handedness: int) -> NDArray[Any]:
    """Return the matrix that brings points nearest to others: a rotation, or one with a reflection."""
    u, _, vt = np.linalg.svd(end.T @ start)
    u[:, 2] *= handedness * np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ vt)


def _images(moved: NDArray[Any], arms: NDArray[Any], labels: NDArray[Any]) -> tuple[int, ...] | None:
    """Return the atom that is nearest to the new place of each one, or None if two go to the same."""
    distances = np.linalg.norm(moved[:, None] - arms, axis=2)
    permutation = np.where(labels[:, None] == labels, distances, np.inf).argmin(axis=1)
    return tuple(permutation.tolist()) if len(set(permutation.tolist())) == len(arms) else None


def _closed(operations: list[_Operation]) -> list[_Operation]:
    """Return the operations of least deviation that are a group: at the border of the tolerance some may be missing."""
    operations = sorted(operations, key=lambda operation: operation.deviation)
    while not _is_group(operations):
        operations = operations[:-1]
    return operations


def _is_group(operations: list[_Operation]) -> bool:
    keys = {(operation.permutation, operation.handedness) for operation in operations}
    return all(
        (tuple(one.permutation[index] for index in other.permutation), one.handedness * other.handedness) in keys
        for one in operations
        for other in operations
    )


def _name(operations: list[_Operation]) -> str:
    """Return the name of a group, by the number of its rotations, their highest order, and its mirror planes."""
    proper = [operation for operation in operations if operation.handedness > 0]
    number, order = len(proper), max(_order(operation.permutation) for operation in proper)
    # Of the operations of order 2 with a reflection, the inversion has the trace -3 and a mirror plane 1.
    improper = [operation for operation in operations if operation.handedness < 0]
    mirrors = sum(_order(one.permutation) <= 2 and np.trace(one.matrix) > -1 for one in improper)
    if number > 2 * order:
        return {12: "T", 24: "O", 60: "I"}[number] + ("d" if mirrors == 6 else "h" if improper else "")
    family = "C" if number == order else "D"
    return f"{family}{order}" if not improper else _with_reflections(family, order, mirrors)


def _with_reflections(family: str, order: int, mirrors: int) -> str:
    """Return the name of a group with one axis of highest order, and operations with a reflection."""
    if family == "C" and order == 1:
        return "Cs" if mirrors else "Ci"
    if not mirrors:
        return f"S{2 * order}"
    vertical = {"C": "v", "D": "d"}[family]
    return f"{family}{order}{vertical if mirrors == order else 'h'}"


def _order(permutation: tuple[int, ...]) -> int:
    """Return how often a permutation is applied until all atoms are where they were."""
    order, places = 1, permutation
    while places != tuple(range(len(places))):
        order, places = order + 1, tuple(permutation[place] for place in places)
    return order
