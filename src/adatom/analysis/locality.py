"""Distance to which the forces of a potential change when an atom moves."""

from __future__ import annotations

from typing import Annotated, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Locality", "locality"]

#: A smaller change of a force, in eV/Å, is noise of single precision.
LEAST_CHANGE = 1e-4


class Locality(TypedDict):
    """Changes of the forces when an atom moves, by the distance from it. D is the number of distances.

    Attributes
    ----------
    name
        Kind of document: ``"locality"``.
    distances
        Distances from the atom that was moved in Å, shape (D,), the smallest first.
    changes
        Largest change of a force at each distance in eV/Å, shape (D,).
    range
        Largest distance in Å at which a force changes by more than 0.0001 eV/Å; 0 if none does, NaN if the potential
        failed.
    far_change
        Largest change of a force beyond 12 Å in eV/Å; NaN if there are no atoms.
    """

    name: str
    distances: Annotated[NDArray[np.float64], "Å"]
    changes: Annotated[NDArray[np.float64], "eV/Å"]
    range: Annotated[float, "Å"]
    far_change: Annotated[float, "eV/Å"]


def locality(distances: ArrayLike, before: ArrayLike, after: ArrayLike) -> Locality:
    """Return how far the forces change when an atom moves.

    Parameters
    ----------
    distances
        Distances of the atoms from the one that was moved in Å, shape (N,).
    before, after
        Forces before and after in eV/Å, shape (N, 3).
    """
    far, where = np.unique(np.round(np.asarray(distances, dtype=float), 2), return_inverse=True)
    change = np.linalg.norm(np.asarray(after, dtype=float) - np.asarray(before, dtype=float), axis=1)
    changes = np.zeros(len(far))
    with np.errstate(invalid="ignore"):
        np.maximum.at(changes, where, change)
    affected, beyond = far[changes > LEAST_CHANGE], changes[far > 12.0]
    failed = not np.isfinite(change).all()
    return {
        "name": "locality",
        "distances": far,
        "changes": changes,
        "range": float("nan") if failed else float(affected.max(initial=0.0)),
        "far_change": float(beyond.max()) if len(beyond) else float("nan"),
    }
