"""Adsorbates on the sites of a slab."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np
from ase import Atoms

from adatom.atoms.convert import to_pymatgen, upright
from adatom.errors import InputError, UnknownNameError

__all__ = ["SITES", "make_adsorbate", "make_adsorption"]

SITES = ("bridge", "hollow", "ontop", "subsurface")


def make_adsorption(
    slab: Atoms,
    adsorbate: Atoms | str,
    *,
    sites: Collection[str] = ("ontop", "bridge", "hollow"),
    distance: float = 2.0,
    surface_depth: float = 0.9,
    binding_index: int = 0,
) -> list[Atoms]:
    """Put an adsorbate on each kind of site of a slab, as pymatgen's ``AdsorbateSiteFinder`` finds the sites.

    Parameters
    ----------
    slab
        Slab with its surface upwards; its constraints are kept. It is not changed.
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
        Number of the atom of the adsorbate that is put on the site, counted from 0.

    Returns
    -------
    list of Atoms
        Slabs with the adsorbate, whose atoms are the last ones. ``info`` is that of the slab, and has ``adsorbate``
        (its formula), ``site`` (its kind) and ``site_index`` (the number of the site among those of its kind).

    Raises
    ------
    InputError
        `slab` does not have three cell vectors, the adsorbate is unknown, or an argument is bad.
    """
    body = make_adsorbate(adsorbate)
    _check(slab, sites, distance, body, binding_index)
    from pymatgen.core.adsorption import AdsorbateSiteFinder

    straight = upright(slab)
    finder = AdsorbateSiteFinder(to_pymatgen(straight), height=surface_depth)
    found = finder.find_adsorption_sites(distance=0.0, positions=SITES)
    surface = np.array([site.coords for site in finder.surface_sites])
    # pymatgen cuts a square of surface atoms into two triangles, and takes the middle of the square for a bridge site.
    amid = [_is_hollow(position, surface, straight) for position in found["bridge"]]
    found["hollow"] += [position for position, hollow in zip(found["bridge"], amid, strict=True) if hollow]
    found["bridge"] = [position for position, hollow in zip(found["bridge"], amid, strict=True) if not hollow]
    placed = []
    for kind in sites:
        for index, position in enumerate(found[kind]):
            guest = body.copy()
            guest.translate(np.asarray(position) + distance * finder.mvec - guest.positions[binding_index])
            # Not slab + guest: that takes the cell and the constraints over, but not the info.
            both = slab.copy()
            both.extend(guest)
            both.info |= {"adsorbate": body.get_chemical_formula(), "site": kind, "site_index": index}
            placed.append(both)
    return placed


def _is_hollow(position: Any, surface: Any, slab: Atoms) -> bool:
    """Return whether three or more surface atoms are nearest to a site."""
    from ase.geometry import get_distances

    distances = get_distances([position], surface, cell=slab.cell, pbc=(True, True, False))[1][0]
    return int((distances < distances.min() + 0.1).sum()) > 2


def make_adsorbate(adsorbate: Atoms | str, box: float | None = None) -> Atoms:
    """Return an adsorbate alone, in a periodic box or in none.

    Parameters
    ----------
    adsorbate
        Adsorbate, or a name that `ase.build.molecule` knows, or the symbol of an element.
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
        body = Atoms(adsorbate.numbers, positions=adsorbate.positions)
        if len(body) == 0:
            raise InputError("The adsorbate has no atoms. Give at least one.")
        return body
    from ase.build import molecule
    from ase.collections import g2
    from ase.data import atomic_numbers

    if adsorbate in atomic_numbers and adsorbate != "X":
        return Atoms(adsorbate)
    if adsorbate not in g2.names:
        raise UnknownNameError("adsorbate", adsorbate, g2.names, "Or give it as ase.Atoms.")
    found: Atoms = molecule(adsorbate)
    return found


def _check(slab: Any, sites: Collection[str], distance: float, body: Atoms, binding_index: int) -> None:
    if not isinstance(slab, Atoms) or len(slab) == 0 or slab.cell.rank < 3:
        raise InputError(f"An adsorbate needs a slab with three cell vectors; this is {slab!r}.")
    if isinstance(sites, str) or not sites:
        raise InputError(f"sites is {sites!r}. Give a list of: {', '.join(SITES)}.")
    for kind in sites:
        if kind not in SITES:
            raise UnknownNameError("kind of site", kind, SITES)
    if not 0 <= distance < math.inf:
        raise InputError(f"distance is {distance!r}. Give a length in Å, at least 0.")
    if not 0 <= binding_index < len(body):
        raise InputError(f"binding_index is {binding_index!r}. Give one of 0 to {len(body) - 1}.")
