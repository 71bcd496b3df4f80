"""Changes of energies and forces under motions that should leave the energy as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypedDict, cast

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

__all__ = ["Equivariance", "equivariance", "moved_structures"]

_Array = NDArray[np.float64]
_Places = NDArray[np.int64]
_MOTIONS = ("rotation", "reflection", "translation", "permutation")


class Equivariance(TypedDict):
    """Largest changes of energies and forces under motions that should leave the energy as it is.

    NaN for a motion at which the potential failed.

    Attributes
    ----------
    name
        Kind of document: ``"equivariance"``.
    rotation_energy, reflection_energy, translation_energy, permutation_energy
        Largest absolute change of the energy in eV/atom.
    rotation_forces, reflection_forces, translation_forces, permutation_forces
        Largest absolute difference of a component between the forces of the moved structure and the moved forces, in
        eV/Å.
    cosine
        Least cosine of the angle between the two forces on an atom, of atoms with a force above 0.01 eV/Å; NaN if there
        are none.
    """

    name: str
    rotation_energy: Annotated[float, "eV/atom"]
    reflection_energy: Annotated[float, "eV/atom"]
    translation_energy: Annotated[float, "eV/atom"]
    permutation_energy: Annotated[float, "eV/atom"]
    rotation_forces: Annotated[float, "eV/Å"]
    reflection_forces: Annotated[float, "eV/Å"]
    translation_forces: Annotated[float, "eV/Å"]
    permutation_forces: Annotated[float, "eV/Å"]
    cosine: float


def moved_structures(atoms: Atoms, number: int = 3, seed: int = 0) -> dict[str, list[tuple[Atoms, _Array, _Places]]]:
    """Return a structure after random motions that should leave its energy as it is.

    Parameters
    ----------
    atoms
        Structure, periodic or not; it is not changed.
    number
        Number of motions of each kind.
    seed
        Seed of the random numbers.

    Returns
    -------
    dict
        By kind of motion, the moved structures; with each the matrix of shape (3, 3) by which vectors turn, as
        ``vector @ matrix``, and the places of its atoms in `atoms`.
    """
    rng = np.random.default_rng(seed)
    same, places = np.eye(3), np.arange(len(atoms))
    found: dict[str, list[tuple[Atoms, _Array, _Places]]] = {kind: [] for kind in _MOTIONS}
    for _ in range(number):
        turn = _rotation(rng)
        for kind, matrix in (("rotation", turn), ("reflection", turn @ np.diag([1.0, 1.0, -1.0]))):
            found[kind].append((_turned(atoms, matrix), matrix, places))
        shifted = atoms.copy()
        shifted.positions += rng.uniform(-5, 5, 3)
        found["translation"].append((shifted, same, places))
        order = rng.permutation(len(atoms))
        found["permutation"].append((atoms[order], same, order))
    return found


def equivariance(
    energies: Mapping[str, _Array],
    forces: Mapping[str, list[_Array]],
    energy: float,
    expected: Mapping[str, list[_Array]],
) -> Equivariance:
    """Return how much energies and forces change under motions.

    Parameters
    ----------
    energies
        Energies of the moved structures in eV, by kind of motion.
    forces
        Forces of the moved structures in eV/Å, each of shape (N, 3), by kind of motion.
    energy
        Energy of the structure that was moved, in eV.
    expected
        Forces of that structure, moved with it.
    """
    count = len(next(iter(expected.values()))[0])
    found: dict[str, float] = {}
    cosines = []
    for kind in _MOTIONS:
        found[f"{kind}_energy"] = float(np.abs(np.asarray(energies[kind]) - energy).max() / count)
        found[f"{kind}_forces"] = float(np.abs(np.subtract(forces[kind], expected[kind])).max())
        for got, wanted in zip(forces[kind], expected[kind], strict=True):
            sizes = np.linalg.norm(got, axis=1) * np.linalg.norm(wanted, axis=1)
            large = np.linalg.norm(wanted, axis=1) > 0.01
            with np.errstate(invalid="ignore", divide="ignore"):
                cosines += list(((got * wanted).sum(axis=1) / sizes)[large])
    return cast(Equivariance, {"name": "equivariance", **found, "cosine": float(min(cosines, default=np.nan))})


def _rotation(rng: np.random.Generator) -> _Array:
    """Return a random rotation, all orientations being equally likely."""
    from scipy.spatial.transform import Rotation

    matrix: _Array = Rotation.random(rng=rng).as_matrix()
    return matrix


def _turned(atoms: Atoms, matrix: _Array) -> Atoms:
    turned: Atoms = atoms.copy()
    turned.set_cell(atoms.cell.array @ matrix)
    turned.set_positions(atoms.positions @ matrix, apply_constraint=False)
    return turned
