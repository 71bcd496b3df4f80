"""Grids and lists of k points for pw.x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms

from adatom.utils.merge import Remove

__all__ = ["k_grid", "k_points"]


def k_points(kpts: Any) -> Any:
    """Return a list of k points as an array, by which ASE tells it from a grid; anything else as it is.

    Parameters
    ----------
    kpts
        The k points that the user gives.
    """
    if isinstance(kpts, Sequence) and not isinstance(kpts, str) and np.ndim(kpts) == 2:
        return np.asarray(kpts, dtype=float)
    return kpts


def k_grid(atoms: Atoms, parameters: Mapping[str, Any], slab: Atoms | None = None) -> dict[str, Any]:
    """Return the numbers of k points that ``kspacing`` gives for a structure, in its place; nothing without a spacing.

    Parameters
    ----------
    atoms
        Structure from whose cell the numbers follow.
    parameters
        Keyword arguments of `make_espresso`.
    slab
        Slab with the same first two cell vectors, from whose cell the numbers along these follow. None: all numbers
        follow from `atoms`.
    """
    if not (spacing := parameters.get("kspacing")):
        return {}
    from ase.io.espresso import kspacing_to_grid

    numbers = [int(number) for number in kspacing_to_grid(atoms, spacing)]
    if slab:
        numbers[:2] = map(int, kspacing_to_grid(slab, spacing)[:2])
    return {"kpts": numbers, "kspacing": Remove}
