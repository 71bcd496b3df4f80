"""Slabs cut from a crystal."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from ase import Atoms

from adatom.atoms.convert import to_pymatgen, upright
from adatom.atoms.deformations import check_crystal
from adatom.errors import InputError

__all__ = ["make_slabs"]


def make_slabs(
    atoms: Atoms,
    *,
    max_index: int = 1,
    min_slab_size: float = 10.0,
    min_vacuum_size: float = 20.0,
    min_length_width: float | None = 8.0,
    z_fix: float | None = 2.0,
    flip_asymmetric: bool = True,
    allowed_surface_symbols: Collection[str] | None = None,
    generator_kwargs: Mapping[str, Any] | None = None,
) -> list[Atoms]:
    """Make all slabs of a crystal up to a Miller index, as pymatgen's ``generate_all_slabs`` finds them.

    Parameters
    ----------
    atoms
        Crystal to cut; it is not changed. Miller indices refer to its cell as it is given.
    max_index
        Largest Miller index, an integer above 0.
    min_slab_size
        Least thickness of a slab in Å.
    min_vacuum_size
        Least vacuum in Å; the slab is in the middle of the cell.
    min_length_width
        Least length in Å of the two cell vectors in the plane: the slab is repeated as often as that takes. None: it is
        not repeated.
    z_fix
        Depth in Å below the highest atom, along the normal: atoms below it are fixed. None: all are free.
    flip_asymmetric
        Whether a slab with two different surfaces is given a second time with the other one on top.
    allowed_surface_symbols
        Elements of which at least one is less than `z_fix` (None: 1 Å) below the top; other slabs are left out. None:
        all slabs are kept.
    generator_kwargs
        Further arguments of ``generate_all_slabs``, such as ``max_broken_bonds`` or ``symmetrize``.

    Returns
    -------
    list of Atoms
        Slabs with the surface normal and the third cell vector along z, and in ``info``: ``miller_index`` (three
        integers), ``shift`` (of the termination, as pymatgen counts it) and ``flipped``.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, or an argument is bad.
    """
    _check(atoms, max_index, min_slab_size, min_vacuum_size, min_length_width, z_fix)
    from pymatgen.core.surface import generate_all_slabs

    options = {"center_slab": True, **(generator_kwargs or {})}
    try:
        found = generate_all_slabs(to_pymatgen(atoms), max_index, min_slab_size, min_vacuum_size, **options)
    except TypeError as error:
        raise InputError(f"generator_kwargs do not fit pymatgen's generate_all_slabs: {error}.") from error
    slabs = []
    for termination in found:
        slab = _standing(termination)
        slabs.append(slab)
        if flip_asymmetric and not termination.is_symmetric():
            slabs.append(_flipped(slab))
    if allowed_surface_symbols is not None:
        allowed, depth = set(allowed_surface_symbols), 1.0 if z_fix is None else z_fix
        slabs = [slab for slab in slabs if allowed & set(slab.symbols[_depths(slab) < depth])]
    return [_finished(slab, min_length_width, z_fix) for slab in slabs]


def _check(atoms: Any, max_index: Any, *sizes: float | None) -> None:
    check_crystal(atoms, "Slabs are cut from a crystal")
    if not isinstance(max_index, int) or max_index < 1:
        raise InputError(f"max_index is {max_index!r}. Give an integer above 0.")
    for size in sizes:
        if size is not None and not 0 <= size < math.inf:
            raise InputError(f"A size of the slab is {size!r}. Give lengths in Å, at least 0.")


def _standing(slab: Any) -> Atoms:
    """Return a slab of pymatgen's with its normal along z, as in ASE; pymatgen puts the third cell vector there."""
    rotated = Atoms(
        [site.specie.symbol for site in slab], scaled_positions=slab.frac_coords, cell=slab.lattice.parameters, pbc=True
    )
    rotated.info = {
        "miller_index": [int(index) for index in slab.miller_index],
        "shift": float(slab.shift),
        "flipped": False,
    }
    return upright(rotated)


def _flipped(slab: Atoms) -> Atoms:
    """Return the slab turned by half a turn about its first cell vector, x. A mirror would change its handedness."""
    a, b, c = slab.cell.array
    flipped = slab.copy()
    flipped.set_cell([a, b * (-1, 1, 1), c])
    flipped.positions = slab.positions * (1, -1, -1) + c
    flipped.wrap(pbc=(True, True, False))
    flipped.info["flipped"] = True
    return flipped


def _finished(slab: Atoms, min_length_width: float | None, z_fix: float | None) -> Atoms:
    if min_length_width:
        lengths = slab.cell.lengths()
        # 1e-6 less, so that a length that rounding has made a little too short is enough
        times = [max(1, math.ceil(min_length_width / length - 1e-6)) for length in lengths[:2]]
        slab = slab.repeat((*times, 1))
    if z_fix is not None:
        from ase.constraints import FixAtoms

        slab.set_constraint(FixAtoms(indices=np.flatnonzero(_depths(slab) > z_fix)))
    return slab


def _depths(slab: Atoms) -> Any:
    """Return the depth of each atom below the highest one in Å, shape (N,)."""
    return slab.positions[:, 2].max() - slab.positions[:, 2]
