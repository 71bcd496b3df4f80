"""Slabs cut from a crystal."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from inspect import signature
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.atoms.convert import species_names, to_pymatgen, turn, upright
from adatom.atoms.deformations import check_crystal
from adatom.atoms.equivalence import species_labels
from adatom.atoms.miller import Plane, distinct_planes, in_cell
from adatom.atoms.primitive import primitive_cell
from adatom.atoms.results import without_results
from adatom.atoms.symmetry import keep_moments, symmetry_dataset
from adatom.errors import InputError, UnknownNameError

__all__ = ["make_slabs"]


def make_slabs(
    atoms: Atoms,
    *,
    max_index: int = 1,
    miller_cell: str = "conventional",
    min_slab_size: float = 10.0,
    min_vacuum_size: float = 20.0,
    min_length_width: float | None = 8.0,
    z_fix: float | None = 2.0,
    flip_asymmetric: bool = True,
    allowed_surface_symbols: Collection[str] | None = None,
    generator_kwargs: Mapping[str, Any] | None = None,
) -> list[Atoms]:
    """Make all slabs of a crystal up to a Miller index, with the terminations that pymatgen's ``SlabGenerator`` finds.

    Of planes that a symmetry of the crystal makes equal there is one. Atoms that differ in element, mass or initial
    magnetic moment are different atoms.

    Parameters
    ----------
    atoms
        Crystal to cut; it is not changed.
    max_index
        Largest Miller index in the cell of `atoms` as it is given, an integer above 0. A primitive cell has other
        planes up to an index than a conventional one: that of fcc also has (3 1 1) up to 1.
    miller_cell
        Cell that the Miller indices of the slabs refer to. ``"conventional"``: that of the International Tables, as
        spglib finds it, whatever cell of the crystal is given. ``"hexagonal"``: the same, with four indices (h k i l),
        for trigonal and hexagonal crystals. ``"given"``: the cell of `atoms`.
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
        Further arguments of pymatgen's ``generate_all_slabs``, such as ``max_broken_bonds`` or ``symmetrize``, but for
        ``cell`` and ``include_reconstructions``. ``tol`` is 0.01 (Å) by default.

    Returns
    -------
    list of Atoms
        Slabs with the surface normal and the third cell vector along z, and in ``info``: ``miller_index`` (three
        integers, or four), ``miller_cell``, ``shift`` (of the termination, as pymatgen counts it), ``flipped``, and
        ``in_plane``, the first two cell vectors as vectors of `atoms`, before the slab was turned, in Å. In a crystal
        where (h k l) and (-h -k -l) differ, the side that the index names is on top unless the slab is
        flipped.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, or an argument is bad.

    Notes
    -----
    Each atom of a slab has the mass, moment, charge, tag and further arrays of the atom of the crystal that it is a
    copy of; moments that are vectors are turned with the crystal. Slabs are cut from the primitive cell, so that they
    do not depend on the cell that is given, and may repeat a cell that is smaller still: charges, tags and further
    arrays in which atoms differ make it no larger, and are those of one of the atoms. Initial charges are left out
    where those of a slab do not add up as in the crystal, since some codes take their sum for the charge to compute.

    Constraints of the crystal are left out, since `z_fix` says what is held in a slab, and velocities too, since all
    copies of an atom would move alike.
    """
    _check(atoms, max_index, min_slab_size, min_vacuum_size, min_length_width, z_fix)
    crystal = without_results(atoms)
    crystal.set_constraint()
    crystal.arrays.pop("momenta", None)
    planes = distinct_planes(crystal, species_labels(crystal), max_index, miller_cell)
    # Whatever cell is given, the slabs are as thick. pymatgen's are right-handed, and so is this cell: slabs of a
    # left-handed one would be those of the mirror image.
    crystal = primitive_cell(crystal)
    kinds = species_labels(crystal)
    slabs = []
    for plane in (in_cell(plane, crystal.cell.array, len(atoms) // len(crystal)) for plane in planes):
        for slab in _terminations(crystal, kinds, plane, min_slab_size, min_vacuum_size, generator_kwargs or {}):
            slab.info |= {"miller_index": plane.index, "miller_cell": miller_cell}
            slabs.append(slab)
            if flip_asymmetric and not _is_symmetric(slab):
                slabs.append(_flipped(slab))
                slabs[-1].info["flipped"] = True
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


def _terminations(
    crystal: Atoms,
    kinds: NDArray[np.int64],
    plane: Plane,
    slab_size: float,
    vacuum_size: float,
    options: Mapping[str, Any],
) -> Iterator[Atoms]:
    """Cut a crystal along a plane, with the named side on top."""
    from pymatgen.core.surface import SlabGenerator

    structure = to_pymatgen(crystal, kinds)
    structure.add_site_property("atom", list(range(len(crystal))))
    cutting, choosing = _options(options, crystal, kinds)
    generator = SlabGenerator(structure, plane.given, slab_size, vacuum_size, **cutting)
    species = species_names(crystal, kinds)
    for termination in generator.get_slabs(**choosing):
        # pymatgen's repair of broken bonds forgets the properties, and leaves the species.
        copied = termination.site_properties.get("atom") or [species.index(site.species_string) for site in termination]
        slab = crystal[copied]
        # pymatgen's own lattice is turned, and has lost its handedness.
        cell = termination.scale_factor @ crystal.cell.array
        slab.set_cell(cell)
        slab.set_scaled_positions(termination.frac_coords)
        if slab.cell.handedness < 0:
            slab.set_cell(cell * [[-1], [1], [1]])
        named_below = np.cross(*slab.cell.array[:2]) @ plane.normal < 0
        slab = _standing(slab)
        flipped = _flipped(slab)
        # Where both sides have one name, the order in which pymatgen finds terminations shall not say which is on top.
        if named_below if plane.polar else _profile(flipped, kinds[copied]) < _profile(slab, kinds[copied]):
            slab = flipped
        if cutting["center_slab"]:  # pymatgen's is the middle of the masses
            slab.positions[:, 2] += (slab.cell[2, 2] - slab.positions[:, 2].min() - slab.positions[:, 2].max()) / 2
        slab.info |= {"shift": float(termination.shift), "flipped": False, "in_plane": cell[:2].tolist()}
        if abs(slab.get_initial_charges().mean() - crystal.get_initial_charges().mean()) > 1e-6:
            slab.set_initial_charges()
        yield slab


def _options(
    options: Mapping[str, Any], crystal: Atoms, kinds: NDArray[np.int64]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of pymatgen's generator, and those of its choice among terminations."""
    from pymatgen.core.surface import SlabGenerator, generate_all_slabs

    ours = {"structure", "max_index", "min_slab_size", "min_vacuum_size", "cell", "include_reconstructions"}
    valid = signature(generate_all_slabs).parameters.keys() - ours
    for name in options:
        if name not in valid:
            raise UnknownNameError("argument of pymatgen's generate_all_slabs", name, valid)
    of_choice = signature(SlabGenerator.get_slabs).parameters
    cutting = {"center_slab": True} | {name: value for name, value in options.items() if name not in of_choice}
    # pymatgen's own tol of 0.1 Å makes a crystal with smaller displacements an ideal one.
    choosing = {"tol": 0.01} | {name: value for name, value in options.items() if name in of_choice}
    if choosing.get("bonds"):
        names: dict[str, set[str]] = {}
        for symbol, name in zip(crystal.symbols, species_names(crystal, kinds), strict=True):
            names.setdefault(symbol, set()).add(name)
        choosing["bonds"] = {
            (one, other): length
            for (first, second), length in choosing["bonds"].items()
            for one in names.get(str(first), ())
            for other in names.get(str(second), ())
        }
    return cutting, choosing


def _standing(slab: Atoms) -> Atoms:
    """Return a slab with its first cell vector along x and its normal along z, as in ASE."""
    cell, rotation = slab.cell.standard_form()  # the cell is this one times the rotation
    standing: Atoms = slab.copy()
    turn(standing, rotation)
    standing.set_cell(cell)
    return upright(standing)


def _profile(slab: Atoms, kinds: NDArray[np.int64]) -> list[Any]:
    """Return the depths and kinds of the atoms, from the top down."""
    return sorted(np.column_stack([_depths(slab).round(3), kinds]).tolist())


def _is_symmetric(slab: Atoms) -> bool:
    """Return whether a symmetry of a slab with its normal along z exchanges its two surfaces."""
    rotations = symmetry_dataset(slab).rotations
    upside_down = rotations[rotations[:, 2, 2] == -1]
    cell = slab.cell.array
    return bool(keep_moments(slab, cell.T @ upside_down @ np.linalg.inv(cell.T)).any())


def _flipped(slab: Atoms) -> Atoms:
    """Return the slab turned by half a turn about its first cell vector, x. A mirror would change its handedness."""
    a, b, c = slab.cell.array
    flipped: Atoms = slab.copy()
    turn(flipped, np.diag([1.0, -1.0, -1.0]))
    flipped.positions += c
    flipped.set_cell([a, b * (-1, 1, 1), c])
    flipped.wrap(pbc=(True, True, False))
    return flipped


def _finished(slab: Atoms, min_length_width: float | None, z_fix: float | None) -> Atoms:
    if min_length_width:
        lengths = slab.cell.lengths()
        # 1e-6 less, so that a length that rounding has made a little too short is enough
        times = [max(1, math.ceil(min_length_width / length - 1e-6)) for length in lengths[:2]]
        slab = slab.repeat((*times, 1))
        slab.info["in_plane"] = (slab.info["in_plane"] * np.array(times)[:, None]).tolist()
    if z_fix is not None:
        from ase.constraints import FixAtoms

        slab.set_constraint(FixAtoms(indices=np.flatnonzero(_depths(slab) > z_fix)))
    return slab


def _depths(slab: Atoms) -> Any:
    """Return the depth of each atom below the highest one in Å, shape (N,)."""
    return slab.positions[:, 2].max() - slab.positions[:, 2]
