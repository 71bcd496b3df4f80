"""Adsorbates on the sites of a slab."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.data import covalent_radii
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list

from adatom.atoms.constraints import without_symmetry
from adatom.atoms.convert import to_pymatgen, turn, upright
from adatom.atoms.equivalence import species_labels
from adatom.atoms.results import without_results
from adatom.errors import InputError, UnknownNameError

__all__ = ["SITES", "make_adsorbate", "make_adsorption"]

SITES = ("bridge", "hollow", "ontop", "subsurface")

# Least distances in sums of two covalent radii: an adsorbate may start within a bond's length of the slab, but no
# bond's length from its own image.
_LEAST_TO_SLAB, _LEAST_TO_IMAGE = 0.5, 0.8
_VACUUM = 4.0  # Å, more than the distance of two layers of any crystal
_LEVEL = 0.01  # Å: atoms whose heights differ by less are equally high


def make_adsorption(
    slab: Atoms,
    adsorbate: Atoms | str,
    *,
    sites: Collection[str] = ("ontop", "bridge", "hollow"),
    distance: float = 2.0,
    surface_depth: float = 0.9,
    binding_index: int | None = None,
    rotation: Sequence[float] | None = None,
) -> list[Atoms]:
    """Put an adsorbate on each kind of site of a slab, as pymatgen's ``AdsorbateSiteFinder`` finds the sites.

    Parameters
    ----------
    slab
        Slab with its surface upwards, along its third cell vector; it is not changed. Its constraints are kept, but not
        ``FixSymmetry``, as its symmetry is not that of the slab with an adsorbate.
    adsorbate
        Adsorbate in the orientation in which it is to stand, or a name that `ase.build.molecule` knows, or the symbol
        of an element.
    sites
        Kinds of site, of ``"ontop"``, ``"bridge"``, ``"hollow"`` and ``"subsurface"``. Of sites that a symmetry of
        the slab makes equal there is one.
    distance
        Distance in Å of the binding atom from the site, along the normal.
    surface_depth
        Depth in Å below the highest atom: atoms above it are surface atoms.
    binding_index
        Number of the atom of the adsorbate that is put on the site, counted from 0. If other atoms are lower, the
        adsorbate is turned until the way from its middle to this atom points down, unless `rotation` is given. None:
        the lowest atom; of several that are equally low, their middle.
    rotation
        Angles in degrees by which the adsorbate is turned about the axes x, y and z, in this order. None: it is turned
        if `binding_index` asks for it.

    Returns
    -------
    list of Atoms
        Slabs with the adsorbate, whose atoms are the last ones. Moments, charges, masses, tags and further arrays are
        those of both. ``info`` is that of the slab, and has ``adsorbate`` (its formula), ``site`` (its kind) and
        ``site_index`` (the number of the site among those of its kind).

    Raises
    ------
    InputError
        `slab` does not have three cell vectors or a vacuum along the third one, its surface is held and its other side
        is free, the adsorbate is unknown or has constraints, an argument is bad, or an atom of the adsorbate overlaps:
        it is nearer to one of the slab than 0.5 of the sum of their covalent radii, or nearer to one of a periodic
        image of the adsorbate than 0.8 of it.
    """
    body = make_adsorbate(adsorbate)
    _check(slab, sites, distance, body, binding_index, rotation)
    from pymatgen.core.adsorption import AdsorbateSiteFinder

    slab = _whole(without_symmetry(slab))
    _refuse_held_surface(slab)
    straight = upright(slab)
    finder = AdsorbateSiteFinder(to_pymatgen(straight, species_labels(straight)), height=surface_depth)
    found = finder.find_adsorption_sites(distance=0.0, positions=SITES)
    surface = np.array([site.coords for site in finder.surface_sites])
    # pymatgen cuts a square of surface atoms into two triangles, and takes the middle of the square for a bridge site.
    amid = [_is_hollow(position, surface, straight) for position in found["bridge"]]
    found["hollow"] += [position for position, hollow in zip(found["bridge"], amid, strict=True) if hollow]
    found["bridge"] = [position for position, hollow in zip(found["bridge"], amid, strict=True) if not hollow]
    _orient(body, binding_index, rotation)
    foot = _lowest(body) if binding_index is None else [binding_index]
    turn(body, _to_direction((0, 0, 1), finder.mvec))
    _refuse_overlaps_of_images(body, slab, distance)
    placed = []
    for kind in sites:
        for index, position in enumerate(found[kind]):
            guest = body.copy()
            guest.translate(np.asarray(position) + distance * finder.mvec - guest.positions[foot].mean(axis=0))
            both = _joined(slab, guest, finder.mvec)
            both.info |= {"adsorbate": body.get_chemical_formula(), "site": kind, "site_index": index}
            _refuse_overlaps(both, len(slab), distance)
            placed.append(both)
    return placed


def _whole(slab: Atoms) -> Atoms:
    """Return a slab with all its atoms below its vacuum: along a periodic normal some may be in other cells."""
    heights = slab.get_scaled_positions(wrap=bool(slab.pbc[2]))[:, 2]
    levels = np.sort(heights)
    gaps = np.diff(np.append(levels, levels[0] + 1 if slab.pbc[2] else np.inf))
    top = int(np.argmax(gaps))
    normal = np.cross(*slab.cell.array[:2])
    vacuum = gaps[top] * abs(slab.cell.array[2] @ normal) / np.linalg.norm(normal)
    if vacuum < _VACUUM:
        raise InputError(
            f"{slab.get_chemical_formula()} has a vacuum of {vacuum:.1f} Å along its third cell vector. Give a slab "
            f"with its surface upwards along this vector, and a vacuum of {_VACUUM:g} Å or more."
        )
    whole: Atoms = slab.copy()
    if slab.pbc[2]:
        below = heights > levels[top] + 1e-9  # beyond the vacuum: these are the bottom of the next image
        scaled = slab.get_scaled_positions(wrap=False)
        whole.positions += np.outer(heights - scaled[:, 2] - below, slab.cell.array[2])
    return whole


def _refuse_held_surface(slab: Atoms) -> None:
    """Refuse a slab that is upside down: its surface is held, and its other side is free."""
    normal = np.cross(*slab.cell.array[:2])
    heights = slab.positions @ normal * np.sign(slab.cell.array[2] @ normal)
    held = [index for one in slab.constraints if isinstance(one, FixAtoms) for index in one.index]
    free = np.isin(np.arange(len(slab)), held, invert=True)
    if free[np.argmin(heights)] and not free[np.argmax(heights)]:
        raise InputError(
            f"{slab.get_chemical_formula()} has its surface where its third cell vector points, and the atoms "
            "there are held, while those of the other side are free. Reverse this vector, or hold the other side."
        )


def _orient(body: Atoms, binding_index: int | None, rotation: Sequence[float] | None) -> None:
    """Turn an adsorbate as asked for, or else until its binding atom points down."""
    from scipy.spatial.transform import Rotation

    if rotation is not None:
        turn(body, Rotation.from_euler("xyz", rotation, degrees=True).as_matrix())
    elif binding_index is not None and binding_index not in _lowest(body):
        turn(body, _to_direction(body.positions[binding_index] - body.positions.mean(axis=0), (0, 0, -1)))


def _to_direction(direction: Any, other: Any) -> Any:
    """Return the least rotation that brings one direction to another."""
    from scipy.spatial.transform import Rotation

    if np.linalg.norm(direction) < _LEVEL:  # an atom in the middle has no side
        return np.eye(3)
    return Rotation.align_vectors([other], [direction])[0].as_matrix()


def _lowest(body: Atoms) -> Any:
    heights = body.positions[:, 2]
    return np.flatnonzero(heights < heights.min() + _LEVEL)


def _joined(slab: Atoms, guest: Atoms, normal: Any) -> Atoms:
    """Return a slab and an adsorbate as one structure, with all arrays of both."""
    # Not slab + guest: that takes the cell and the constraints over, but not the info.
    both: Atoms = slab.copy()
    for name in both.arrays.keys() & guest.arrays.keys():
        ours, others = both.arrays[name], guest.arrays[name]
        if name == "initial_magmoms" and ours.ndim != others.ndim:  # a scalar is a moment along the normal
            ours, others = (array if array.ndim == 2 else np.outer(array, normal) for array in (ours, others))
        if ours.shape[1:] != others.shape[1:]:
            raise InputError(
                f"The array {name!r} has the shape {ours.shape} in the slab and {others.shape} in the adsorbate. Give "
                "it the same numbers for each atom."
            )
        # ASE's extend would cut the adsorbate's values to the type of the slab's.
        both.arrays[name] = ours.astype(np.result_type(ours, others))
        guest.arrays[name] = others
    both.extend(guest)
    return both


def _refuse_overlaps(both: Atoms, size: int, distance: float) -> None:
    """Refuse an adsorbate, the atoms from number `size` on, that overlaps with the slab."""
    guest, slab = both.positions[size:], both.positions[:size]
    lengths = get_distances(guest, slab, cell=both.cell, pbc=_in_plane(both))[1]
    radii = covalent_radii[both.numbers]
    least = _LEAST_TO_SLAB * (radii[size:, None] + radii[:size])
    for one, other in np.argwhere(lengths < least)[:1]:
        where = f"{both.info['adsorbate']} on {both.info['site']} site {both.info['site_index']}"
        raise _overlap(
            where,
            distance,
            f"{one} ({both.symbols[size + one]})",
            lengths[one, other],
            least[one, other],
            f"the slab ({both.symbols[other]})",
        )


def _refuse_overlaps_of_images(body: Atoms, slab: Atoms, distance: float) -> None:
    """Refuse an adsorbate that overlaps with its own images in the plane of the slab."""
    periodic = Atoms(body.numbers, body.positions, cell=slab.cell, pbc=_in_plane(slab))
    radii = covalent_radii[body.numbers]
    pairs = neighbor_list("ijdS", periodic, radii * _LEAST_TO_IMAGE)
    for one, other, length, cells in zip(*pairs, strict=True):
        least = _LEAST_TO_IMAGE * (radii[one] + radii[other])
        if cells.any() and length < least:
            raise _overlap(
                body.get_chemical_formula(),
                distance,
                f"{one} ({body.symbols[one]})",
                length,
                least,
                f"a periodic image of the adsorbate ({body.symbols[other]})",
            )


def _in_plane(slab: Atoms) -> Any:
    return slab.pbc | (True, True, False)


def _overlap(where: str, distance: float, atom: str, length: float, least: float, other: str) -> InputError:
    return InputError(
        f"{where}: its atom {atom} is {length:.2f} Å from an atom of {other}, less than {least:.2f} Å. Give a distance "
        f"above {distance} (Å), another rotation, or a slab that is larger in the plane."
    )


def _is_hollow(position: Any, surface: Any, slab: Atoms) -> bool:
    """Return whether three or more surface atoms are nearest to a site."""
    distances = get_distances([position], surface, cell=slab.cell, pbc=(True, True, False))[1][0]
    return int((distances < distances.min() + 0.1).sum()) > 2


def make_adsorbate(adsorbate: Atoms | str, box: float | None = None) -> Atoms:
    """Return an adsorbate alone, in a periodic box or in none, with the moments and other arrays that it is given with.

    Parameters
    ----------
    adsorbate
        Adsorbate, or a name that `ase.build.molecule` knows, with the moments that it has there, or the symbol of
        another element. The cell of an adsorbate is not kept.
    box
        Least distance in Å of the atoms from the faces of a periodic box around them; None: the adsorbate is not
        periodic.

    Raises
    ------
    InputError
        The adsorbate is unknown, or has no atoms.
    """
    body = _body(adsorbate)
    if box is not None:
        body.center(vacuum=box)
        body.pbc = True
    return body


def _body(adsorbate: Any) -> Atoms:
    if isinstance(adsorbate, Atoms):
        body = without_results(adsorbate)
        body.cell, body.pbc = np.zeros((3, 3)), False
        if len(body) == 0:
            raise InputError("The adsorbate has no atoms. Give at least one.")
        return body
    from ase.build import molecule
    from ase.collections import g2
    from ase.data import atomic_numbers

    if adsorbate in g2.names:
        found: Atoms = molecule(adsorbate)
        return found
    if adsorbate not in atomic_numbers or adsorbate == "X":
        raise UnknownNameError("adsorbate", adsorbate, g2.names, "Or give it as ase.Atoms.")
    return Atoms(adsorbate)


def _check(
    slab: Any,
    sites: Collection[str],
    distance: float,
    body: Atoms,
    binding_index: int | None,
    rotation: Sequence[float] | None,
) -> None:
    if not isinstance(slab, Atoms) or len(slab) == 0 or slab.cell.rank < 3:
        raise InputError(f"An adsorbate needs a slab with three cell vectors; this is {slab!r}.")
    if isinstance(sites, str) or not sites:
        raise InputError(f"sites is {sites!r}. Give a list of: {', '.join(SITES)}.")
    for kind in sites:
        if kind not in SITES:
            raise UnknownNameError("kind of site", kind, SITES)
    if not 0 <= distance < math.inf:
        raise InputError(f"distance is {distance!r}. Give a length in Å, at least 0.")
    if binding_index is not None and not 0 <= binding_index < len(body):
        raise InputError(f"binding_index is {binding_index!r}. Give one of 0 to {len(body) - 1}.")
    if rotation is not None and (np.shape(rotation) != (3,) or not np.isfinite(rotation).all()):
        raise InputError(f"rotation is {rotation!r}. Give three angles in degrees, about x, y and z.")
    if body.constraints:
        raise InputError(
            "The adsorbate has constraints, which would hold other atoms beside a slab. Give it without them, and "
            "constrain what make_adsorption returns."
        )
