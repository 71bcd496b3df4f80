"""Energies along a path from one structure to another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, TypedDict

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from adatom.errors import InputError
from adatom.schemas.results import PathPoints

__all__ = ["ReactionPath", "join_at_saddle", "path_points", "reaction_path"]

_Array = NDArray[np.float64]


class ReactionPath(TypedDict):
    """Energies along a path from one structure to another, with M structures, and the barriers that follow from them.

    Attributes
    ----------
    name
        Kind of document: ``"reaction_path"``.
    forward_barrier
        Energy of the highest structure relative to the first, in eV.
    reverse_barrier
        Energy of the highest structure relative to the last, in eV.
    reaction_energy
        Energy of the last structure relative to the first, in eV.
    highest
        Number of the structure with the highest energy, counted from 0.
    coordinates
        Length of the path up to each structure, in Å, shape (M,).
    energies
        Energies relative to the first structure, in eV, shape (M,).
    curve_coordinates, curve_energies
        Points of a curve through the structures with the slopes that their forces give, in Å and eV, shape (20 (M - 1)
        + 1,). If no structure was led to the saddle point, the maximum of the curve is nearer to the barrier.
    """

    name: str
    forward_barrier: Annotated[float, "eV"]
    reverse_barrier: Annotated[float, "eV"]
    reaction_energy: Annotated[float, "eV"]
    highest: int
    coordinates: Annotated[_Array, "Å"]
    energies: Annotated[_Array, "eV"]
    curve_coordinates: Annotated[_Array, "Å"]
    curve_energies: Annotated[_Array, "eV"]


def reaction_path(points: PathPoints) -> ReactionPath:
    """Return the barriers of a reaction, and the curve of its energy, from the points of its path.

    Parameters
    ----------
    points
        Points of the path, as `path_points` and the results of runs have them.

    Returns
    -------
    ReactionPath
        Energies relative to the first structure, and barriers from the highest one, in eV.
    """
    from scipy.interpolate import CubicHermiteSpline

    coordinates = np.asarray(points["coordinates"], dtype=float)
    energies = np.asarray(points["energies"], dtype=float) - points["energies"][0]
    between = [np.linspace(start, end, 20, endpoint=False) for start, end in pairwise(coordinates)]
    fine = np.concatenate([*between, coordinates[-1:]])
    highest = int(energies.argmax())
    return {
        "name": "reaction_path",
        "forward_barrier": float(energies[highest]),
        "reverse_barrier": float(energies[highest] - energies[-1]),
        "reaction_energy": float(energies[-1]),
        "highest": highest,
        "coordinates": coordinates,
        "energies": energies,
        "curve_coordinates": fine,
        "curve_energies": CubicHermiteSpline(coordinates, energies, points["slopes"])(fine),
    }


def join_at_saddle(reverse: PathPoints, forward: PathPoints) -> PathPoints:
    """Join two paths down from one saddle point into one, from the end of the first to the end of the second.

    Parameters
    ----------
    reverse, forward
        Points of the two paths, each of which starts at the saddle point.
    """
    back = np.asarray(reverse["coordinates"])[:0:-1]
    length = np.asarray(reverse["coordinates"])[-1]
    return {
        "coordinates": np.concatenate([length - back, length + np.asarray(forward["coordinates"])]),
        "energies": np.concatenate([reverse["energies"][:0:-1], forward["energies"]]),
        "slopes": np.concatenate([-np.asarray(reverse["slopes"])[:0:-1], forward["slopes"]]),
    }


def path_points(images: Sequence[Atoms], energies: ArrayLike, forces: ArrayLike | None) -> PathPoints:
    """Return the points of a path, with slopes along the line from the structure before each one to the one after it.

    Parameters
    ----------
    images
        Structures along the path, M with N atoms each, in which no atom jumps from one side of the cell to the other.
    energies
        Energies of the structures in eV, shape (M,).
    forces
        Forces on the atoms of each structure in eV/Å, shape (M, N, 3). None: the slopes are differences of the energies
        of neighbouring structures, to second order inside the path and to first order at its ends.

    Raises
    ------
    InputError
        There are fewer than two structures, or one is the same as the one before it.
    """
    if len(images) < 2:
        raise InputError(f"A path has two structures or more; this has {len(images)}.")
    positions = np.array([image.positions for image in images])
    lengths = np.linalg.norm(np.diff(positions, axis=0), axis=(1, 2))
    if not lengths.all():
        raise InputError(f"Structure {int(lengths.argmin()) + 1} of the path is the same as the one before it.")
    coordinates = np.concatenate([[0.0], lengths.cumsum()])
    if forces is None:
        heights = np.array(energies, dtype=float)
        return {"coordinates": coordinates, "energies": heights, "slopes": np.gradient(heights, coordinates)}
    lines = np.concatenate(
        [positions[1:2] - positions[:1], positions[2:] - positions[:-2], positions[-1:] - positions[-2:-1]]
    )
    lines /= np.linalg.norm(lines, axis=(1, 2), keepdims=True)
    return {
        "coordinates": coordinates,
        "energies": np.array(energies, dtype=float),
        "slopes": -(np.asarray(forces) * lines).sum(axis=(1, 2)),
    }
