"""A crystal in the cell of its slabs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from adatom.atoms.constraints import spread_constraints
from adatom.atoms.convert import right_handed
from adatom.atoms.results import without_results

__all__ = ["oriented_crystal"]


def oriented_crystal(atoms: Atoms, in_plane: Sequence[Sequence[float]]) -> Atoms:
    """Return a crystal in a cell two vectors of which lie in a plane, as in a slab.

    Parameters
    ----------
    atoms
        Crystal; it is not changed.
    in_plane
        Vectors of the crystal's lattice in Å, shape (2, 3): ``info["in_plane"]`` of a slab of `make_slabs`.

    Returns
    -------
    Atoms
        The same crystal, not turned. Its third cell vector is the vector of the cell of `atoms` that ends nearest to
        the plane.

    Raises
    ------
    InputError
        A constraint of `atoms` is not one of atoms and Cartesian directions.
    """
    crystal = right_handed(without_results(atoms))
    old = crystal.cell.array
    first, second = np.array(in_plane)
    normal = np.cross(first, second)
    heights = old @ normal / np.linalg.norm(normal)
    nearest = np.where(abs(heights) > 1e-6, abs(heights), np.inf).argmin()
    new = np.array([first, second, old[nearest] * np.sign(heights[nearest])])
    # In units of the old vectors; fractions where these are not primitive.
    corners = np.indices((2, 2, 2)).reshape(3, -1).T @ new @ np.linalg.inv(old)
    low, high = np.floor(corners.min(axis=0)).astype(int) - 1, np.ceil(corners.max(axis=0)).astype(int) + 1
    images = np.indices(high - low).reshape(3, -1).T + low
    places = (crystal.positions + (images @ old)[:, None]) @ np.linalg.inv(new)
    inside = ((places > -1e-6) & (places < 1 - 1e-6)).all(axis=2)
    sources = np.nonzero(inside)[1]
    free = crystal.copy()
    free.set_constraint()
    made: Atoms = free[sources]
    made.set_cell(new)
    made.set_scaled_positions(places[inside])
    spread_constraints(made, crystal, sources.tolist())
    return made
