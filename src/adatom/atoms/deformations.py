"""Crystals under strain, and strains that symmetry leaves independent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.constraints import check_constraints, without_symmetry
from adatom.errors import InputError

__all__ = ["check_crystal", "deformation", "independent_strains", "make_strains", "scale_volume", "strain_crystal"]

_AXES = "xyz"


def scale_volume(atoms: Atoms, strains: Sequence[float]) -> list[Atoms]:
    """Return a crystal at other volumes, all its lengths scaled alike.

    Parameters
    ----------
    atoms
        Crystal at its own volume; it is not changed.
    strains
        Relative changes of the volume: 0.02 is 2 % more.

    Returns
    -------
    list of Atoms
        Crystals in the order of `strains`, each with its strain in ``info["volume_strain"]``.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions or has a constraint that does not hold at other volumes, or a strain
        leaves no volume.
    """
    check_crystal(atoms)
    check_constraints(atoms, "at other volumes")
    scaled = []
    for strain in strains:
        if not -1 < strain < math.inf:
            raise InputError(f"A strain of the volume is {strain!r}. Give numbers above -1; 0.02 is 2 % more.")
        structure = atoms.copy()
        structure.set_cell(atoms.cell * (1 + strain) ** (1 / 3), scale_atoms=True)
        structure.info["volume_strain"] = float(strain)
        scaled.append(structure)
    return scaled


def make_strains(norm_strains: Sequence[float], shear_strains: Sequence[float]) -> dict[str, NDArray[np.float64]]:
    """Make strains of one component each, as those of pymatgen's ``DeformedStructureSet``.

    Parameters
    ----------
    norm_strains
        Values of the components xx, yy and zz, without a unit.
    shear_strains
        Values of the components yz, xz and xy, which are half the engineering shear.

    Returns
    -------
    dict of str to ndarray
        Green-Lagrange strain tensors, shape (3, 3), by names such as ``"xx+0.01"``.

    Raises
    ------
    InputError
        There are no strains of one kind, or a strain is 0 or not between -0.5 and 0.5.
    """
    strains = {}
    for what, values, pairs in (
        ("norm_strains", norm_strains, ((0, 0), (1, 1), (2, 2))),
        ("shear_strains", shear_strains, ((1, 2), (0, 2), (0, 1))),
    ):
        if isinstance(values, str) or not len(values):
            raise InputError(f"{what} is {values!r}. Give a list such as [-0.01, -0.005, 0.005, 0.01].")
        for value in values:
            if not (-0.5 < value < 0.5) or value == 0:
                raise InputError(f"{what} has {value!r}. Give numbers between -0.5 and 0.5, and not 0.")
        for i, j in pairs:
            for value in values:
                strain = np.zeros((3, 3))
                strain[i, j] = strain[j, i] = value
                strains[f"{_AXES[i]}{_AXES[j]}{value:+g}"] = strain
    return strains


def independent_strains(
    strains: Mapping[str, NDArray[np.float64]], rotations: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the strains that symmetry cannot make of the others.

    A strain is left out if a symmetry makes it of an earlier one. It is also left out if the images of earlier strains
    under the point group span its direction, as where the crystal is hexagonal and x stands for all directions in the
    plane.

    Parameters
    ----------
    strains
        Strain tensors by name, shape (3, 3) each.
    rotations
        Point group in Cartesian coordinates, shape (G, 3, 3).
    """
    kept: dict[str, NDArray[np.float64]] = {}
    spanned = np.zeros((9, 9))
    directions: list[NDArray[np.float64]] = []
    for name, strain in strains.items():
        images = (rotations @ strain @ rotations.swapaxes(1, 2)).reshape(-1, 9)
        if any(np.abs(images - other.ravel()).max(axis=1).min() < 1e-6 for other in kept.values()):
            continue
        direction = strain.ravel() / np.linalg.norm(strain)
        if not any(abs(direction @ other) > 1 - 1e-6 for other in directions):
            unit = images / np.linalg.norm(strain)
            wider = spanned + unit.T @ unit / len(unit)
            if _rank(wider) == _rank(spanned):
                continue
            spanned = wider
            directions.append(direction)
        kept[name] = strain
    return kept


def _rank(spanned: NDArray[np.float64]) -> int:
    # The tolerance is large: in a crystal that is turned a little, constants would have to be told by tiny differences.
    return int(np.linalg.matrix_rank(spanned, tol=0.05, hermitian=True))


def deformation(strain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric deformation gradient F of a Green-Lagrange strain E: F² = 1 + 2 E.

    Parameters
    ----------
    strain
        Green-Lagrange strain E, shape (3, 3).

    Returns
    -------
    ndarray
        Deformation gradient F, shape (3, 3).
    """
    squares, axes = np.linalg.eigh(np.eye(3) + 2 * strain)
    return axes * np.sqrt(squares) @ axes.T


def strain_crystal(atoms: Atoms, strains: Mapping[str, NDArray[np.float64]]) -> list[Atoms]:
    """Return a crystal under strains, its cell deformed and its atoms with it.

    Parameters
    ----------
    atoms
        Crystal without strain; it is not changed.
    strains
        Green-Lagrange strain tensors by name, shape (3, 3) each.

    Returns
    -------
    list of Atoms
        Crystals in the order of `strains`, each with the name of its strain in ``info["strain"]``. They have all that
        `atoms` has but ``FixSymmetry``, as the symmetry is not that of the crystal without strain.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, or has a constraint that does not hold under strain.
    """
    check_crystal(atoms)
    check_constraints(atoms, "under strain")
    strained = []
    for name, strain in strains.items():
        structure = without_symmetry(atoms)
        structure.set_cell(atoms.cell.array @ deformation(strain), scale_atoms=True)
        structure.info["strain"] = name
        strained.append(structure)
    return strained


def check_crystal(atoms: object, purpose: str = "A crystal is strained") -> None:
    """Refuse a value that is not a crystal.

    Parameters
    ----------
    atoms
        Value that was given as a crystal.
    purpose
        First words of the message, which say what a crystal is needed for.

    Raises
    ------
    InputError
        The value is not a structure that is periodic in three directions, or its cell vectors span no volume.
    """
    if not isinstance(atoms, Atoms) or not atoms.pbc.all() or np.linalg.matrix_rank(atoms.cell.array) < 3:
        raise InputError(f"{purpose}, periodic in three directions; this is {atoms!r}.")
