"""Lengths along a path through the Brillouin zone."""

from __future__ import annotations

from itertools import chain

import numpy as np
from ase.dft.kpoints import BandPath, parse_path_string
from numpy.typing import NDArray

__all__ = ["path_axis"]

Array = NDArray[np.float64]


def path_axis(path: BandPath) -> tuple[Array, Array, list[str]]:
    """Return the length of a path up to each of its points, and that up to each special point.

    A comma in the path is a jump, which has no length. ``BandPath.get_linear_kpoint_axis`` of ASE has no length between
    two special points side by side, also if they are the ends of a short segment.

    Parameters
    ----------
    path
        Path of Q points with S special points, as ``ase.cell.Cell.bandpath`` makes it.

    Returns
    -------
    tuple
        Lengths up to the points in Å⁻¹ with the factor 2π, shape (Q,); those up to the special points, shape (S,); and
        the names of the special points, in the order of the path.
    """
    steps = 2 * np.pi * np.linalg.norm(np.diff(path.kpts, axis=0) @ path.icell, axis=1)
    places: list[int] = []
    labels: list[str] = []
    sections = parse_path_string(path.path)
    jumps = np.cumsum([len(section) for section in sections[:-1]]).tolist()
    for number, name in enumerate(chain.from_iterable(sections)):
        start = places[-1] + 1 if places else 0
        there = np.linalg.norm(path.kpts - path.special_points[name], axis=1) < 1e-5
        if not (found := np.flatnonzero(there[start:])).size:
            continue  # ASE leaves out a special point before a last section that is one point
        places.append(start + int(found[0]))
        labels.append(name)
        if number in jumps:
            steps[places[-1] - 1] = 0.0
    lengths = np.concatenate([[0.0], steps.cumsum()])
    return lengths, lengths[places], labels
