"""Phonon bands along a path through the Brillouin zone."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from ase.cell import Cell
from numpy.typing import NDArray

from adatom.analysis.band_path import path_axis

__all__ = ["Bands", "compute_bands"]

#: Number of q points of a band structure for each Å⁻¹ of its path.
BAND_DENSITY = 20

Array = NDArray[np.float64]


class Bands(TypedDict):
    """Phonon bands along ASE's path for the lattice, of Q points. P is the number of atoms of the primitive cell.

    With the non-analytical correction, frequencies at Γ depend on the direction from which it is approached, which is
    that of the path: Γ between two segments is there twice, as the end of the one and the beginning of the other.

    Attributes
    ----------
    path
        Names of the special points, where a comma is a jump: ``"GXWKGLUWLK,UX"``.
    qpoints
        Points in units of the reciprocal vectors of the primitive cell, shape (Q, 3).
    distances
        Length of the path up to each point, in Å⁻¹ with the factor 2π, shape (Q,).
    frequencies
        Frequencies in THz, an imaginary one as a negative number, shape (Q, 3 P).
    labels
        Names of the special points, in the order of the path.
    label_distances
        Length of the path up to each special point, in Å⁻¹ with the factor 2π; the same for both points at a jump.
    """

    path: str
    qpoints: Array
    distances: Array
    frequencies: Array
    labels: list[str]
    label_distances: Array


def compute_bands(model: Any) -> Bands:
    """Compute the bands of a crystal along ASE's path for its lattice.

    Parameters
    ----------
    model
        ``phonopy.Phonopy`` with force constants and, for a polar crystal, ``nac_params``.
    """
    path = Cell(model.primitive.cell).bandpath(density=BAND_DENSITY)
    distances, label_distances, labels = path_axis(path)
    points = path.kpts
    directions: dict[int, Array] = {}
    if model.nac_params is not None:
        taken, directions = _approaches(points, distances)
        points, distances = points[taken], distances[taken]
    frequencies = model.run_qpoints(points).frequencies
    for place, direction in directions.items():
        frequencies[place] = model.run_qpoints(points[place], nac_q_direction=direction).frequencies[0]
    return {
        "path": path.path,
        "qpoints": points,
        "distances": distances,
        "frequencies": frequencies,
        "labels": labels,
        "label_distances": label_distances,
    }


def _approaches(points: Array, distances: Array) -> tuple[list[int], dict[int, Array]]:
    """Return which points of a path are taken, Γ once for each segment, and the direction to Γ by place among them."""
    taken: list[int] = []
    directions: dict[int, Array] = {}
    for index, (point, distance) in enumerate(zip(points, distances, strict=True)):
        near = [other for other in (index - 1, index + 1) if 0 <= other < len(points) and distances[other] != distance]
        if np.abs(point).max() > 1e-9 or not near:
            taken.append(index)
            continue
        for other in near:
            directions[len(taken)] = points[other]
            taken.append(index)
    return taken, directions
