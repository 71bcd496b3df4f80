"""Bands: lists of structures on the way from one structure to another, the two ends included."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from numpy.typing import NDArray

from adatom.errors import InputError, UnknownNameError

__all__ = ["Interpolation", "check_band", "check_same_atoms", "make_band", "unwrapped"]

Interpolation = Literal["idpp", "linear"]

#: Atoms nearer to each other than this, in Å, have met.
NEAR = 0.3
#: Ends between which no atom moves more than this, in Å, are one structure: relaxations find a minimum this closely.
SAME = 0.05


def make_band(initial: Atoms, final: Atoms, images: int = 5, method: Interpolation = "idpp") -> list[Atoms]:
    """Make structures on the way from one structure to another, by ASE's ``NEB.interpolate``.

    Atoms move along the shortest way between periodic images. A molecule without constraints is first turned and
    shifted so that the final structure fits the initial one best.

    Parameters
    ----------
    initial, final
        Structures at the ends of the band; they are not changed.
    images
        Number of structures between the ends.
    method
        ``"linear"``: on straight lines; ``"idpp"``: such that the distances between atoms change evenly.

    Returns
    -------
    list of Atoms
        The ends and the `images` between them, with the cell, constraints and ``info`` of `initial`. No atom jumps
        from one side of the cell to the other.

    Raises
    ------
    InputError
        The ends are refused by `check_band`, or atoms meet on the way.

    Notes
    -----
    The image-dependent pair potential: S. Smidstrup et al., J. Chem. Phys. 140, 214106 (2014).
    """
    displacements = check_band(initial, final, images, method)
    from ase.mep import NEB

    band = [initial.copy() for _ in range(images + 2)]
    band[-1].set_positions(initial.positions + displacements, apply_constraint=False)
    neb, mic = NEB(band, method="improvedtangent"), bool(initial.pbc.any())
    neb.interpolate("linear", mic=mic, apply_constraint=True)
    _refuse_collisions(band, method, NEAR if method == "linear" else 1e-3)
    if method == "idpp":  # this method moves atoms apart, but not if they are at one place
        neb.interpolate("idpp", mic=mic, apply_constraint=True)
        _refuse_collisions(band, method, NEAR)
    return band


def check_band(initial: Atoms, final: Atoms, images: int, method: str) -> NDArray[Any]:
    """Refuse ends between which there is no band.

    Parameters
    ----------
    initial, final, images, method
        Ends, number of images and method of interpolation, the same as in `make_band`.

    Returns
    -------
    ndarray
        Displacements of the atoms from the initial to the final structure in Å, shape (N, 3).

    Raises
    ------
    InputError
        The ends have other atoms, another order, another cell, or are the same; an atom that a constraint holds moves;
        there is no image between them; or the method is unknown.
    """
    if method not in get_args(Interpolation):
        raise UnknownNameError("interpolation", method, get_args(Interpolation))
    if not isinstance(images, int) or images < 1:
        raise InputError(f"images is {images!r}. Give an integer above 0: how many structures between the ends.")
    check_same_atoms(initial, final)
    displacements = _displacements(initial, final)
    longest = np.linalg.norm(displacements, axis=1).max()
    if longest < SAME:
        raise InputError(
            f"The ends are the same structure: no atom moves more than {longest:.3f} Å. "
            "Give two minima; if these were, they were relaxed into one."
        )
    allowed = initial.copy()
    allowed.set_positions(initial.positions + displacements)
    apart = np.linalg.norm(allowed.positions - initial.positions - displacements, axis=1)
    if apart.max() > 1e-3:
        index = int(apart.argmax())
        raise InputError(
            f"Atom {index} ({initial.symbols[index]}) is held by a constraint, and is {apart[index]:.3f} Å from there "
            "in the other end. Give ends in which atoms that are held are at the same place."
        )
    return displacements


def check_same_atoms(first: Atoms, other: Atoms) -> None:
    """Refuse structures that do not have the same atoms in the same order and cell.

    Parameters
    ----------
    first, other
        The two structures to compare.

    Raises
    ------
    InputError
        The structures differ; the message says in what.
    """
    for atoms in (first, other):
        if not isinstance(atoms, Atoms) or len(atoms) == 0:
            raise InputError(f"A band is of structures with atoms; this is {atoms!r}.")
    if sorted(first.numbers) != sorted(other.numbers):
        raise InputError(
            f"The structures of a band have the same atoms; these are {first.get_chemical_formula()} and "
            f"{other.get_chemical_formula()}."
        )
    if (differing := np.flatnonzero(first.numbers != other.numbers)).size:
        index = int(differing[0])
        raise InputError(
            f"The structures of a band have their atoms in the same order; atom {index} is {first.symbols[index]} in "
            f"one and {other.symbols[index]} in the other. Sort one of them like the other."
        )
    if (first.pbc != other.pbc).any():
        raise InputError(
            f"The structures of a band are periodic in the same directions; these are along {first.pbc.tolist()} and "
            f"{other.pbc.tolist()}."
        )
    if not np.allclose(first.cell[first.pbc], other.cell[other.pbc], rtol=0, atol=1e-6):
        raise InputError(
            f"The structures of a band have the same cell; these are {first.cell.array.round(4).tolist()} and "
            f"{other.cell.array.round(4).tolist()} Å. Relax both with relax_cell=False in one cell."
        )


def unwrapped(band: list[Atoms]) -> list[Atoms]:
    """Remove jumps of atoms from one side of the cell to the other along a band.

    Parameters
    ----------
    band
        Structures of the band in order; the positions of all but the first are changed in place.

    Returns
    -------
    list of Atoms
        The same list as `band`.
    """
    for before, after in pairwise(band):
        moves = find_mic(after.positions - before.positions, after.cell, after.pbc)[0]
        after.set_positions(before.positions + moves, apply_constraint=False)
    return band


def _refuse_collisions(band: list[Atoms], method: str, near: float) -> None:
    for number, image in enumerate(band[1:-1], 1):
        distances = image.get_all_distances(mic=bool(image.pbc.any()))
        distances[np.diag_indices(len(image))] = np.inf
        if distances.min() < near:
            one, other = sorted(divmod(int(distances.argmin()), len(image)))
            raise InputError(
                f"Atoms {one} and {other} meet in image {number} of the {method!r} band. Take another method or number "
                "of images, or give neb_job a band of your own."
            )


def _displacements(initial: Atoms, final: Atoms) -> NDArray[Any]:
    if initial.pbc.any():
        return find_mic(final.positions - initial.positions, initial.cell, initial.pbc)[0]
    moved = Atoms(final.numbers, positions=final.positions)
    if not initial.constraints and len(initial) > 1:
        from ase.build import minimize_rotation_and_translation

        minimize_rotation_and_translation(initial, moved)
    return moved.positions - initial.positions
