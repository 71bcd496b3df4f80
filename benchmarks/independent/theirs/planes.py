"""Planes and symmetry numbers, by spglib and pymatgen."""

from itertools import product
from math import gcd

import numpy as np
from ase import Atoms


def by_spglib(crystal: Atoms, max_index: int) -> int:
    """Number of planes up to an index in the cell of a crystal that no rotation of its point group makes equal.

    A plane and its reverse are one, as a slab has both sides.
    """
    from spglib import get_symmetry

    rotations = get_symmetry((crystal.cell.array, crystal.get_scaled_positions(), crystal.numbers))["rotations"]
    indices = [
        index for index in product(range(-max_index, max_index + 1), repeat=3) if any(index) and gcd(*index) == 1
    ]
    orbits = set()
    for index in indices:
        images = np.vstack(
            [index @ rotations, -(index @ rotations)]
        )  # a plane turns by the inverse, which is there too
        orbits.add(frozenset(map(tuple, images.tolist())))
    return len(orbits)


def by_pymatgen(crystal: Atoms, max_index: int) -> int:
    """Number of planes of the conventional cell up to an index, by pymatgen's search."""
    from pymatgen.core.surface import get_symmetrically_distinct_miller_indices
    from pymatgen.io.ase import AseAtomsAdaptor

    return len(get_symmetrically_distinct_miller_indices(AseAtomsAdaptor.get_structure(crystal), max_index))


def symmetry_number(molecule: Atoms) -> int:
    """Rotational symmetry number by pymatgen's analysis of point groups."""
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import PointGroupAnalyzer

    return PointGroupAnalyzer(AseAtomsAdaptor.get_molecule(molecule)).get_rotational_symmetry_number()


def space_group(crystal: Atoms) -> int:
    """Number of the space group by pymatgen."""
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    return SpacegroupAnalyzer(AseAtomsAdaptor.get_structure(crystal)).get_space_group_number()
