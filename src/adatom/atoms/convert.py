"""Structures converted to cells and objects that pymatgen and phonopy can work with."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from adatom.atoms.equivalence import species_labels
from adatom.errors import InputError, MissingExtraError

__all__ = ["right_handed", "species_names", "to_phonopy", "to_pymatgen", "turn", "upright"]


def upright(slab: Atoms) -> Atoms:
    """Return a slab with a right-handed cell and its third cell vector along the normal, upwards.

    An oblique vector hides symmetries of the surface, such as the threefold axis of fcc(111). Where there is vacuum,
    such a cell is another one of the same slab.

    Parameters
    ----------
    slab
        Slab with its first two cell vectors in the surface, and its third one upwards; it is not changed. Its atoms
        stay where they are, but for whole cell vectors in the plane.
    """
    a, b, c = slab.cell.array
    if c @ np.cross(a, b) < 0:
        a, b = b, a
    normal = np.cross(a, b)
    normal /= np.linalg.norm(normal)
    straight: Atoms = slab.copy()
    straight.set_cell([a, b, normal * (c @ normal)])
    straight.wrap(pbc=(True, True, False))
    return straight


def right_handed(atoms: Atoms) -> Atoms:
    """Return a structure with right-handed cell vectors: left-handed ones are reversed, which leaves the lattice.

    Parameters
    ----------
    atoms
        Structure with three cell vectors; it is not changed, and its atoms stay where they are.
    """
    changed: Atoms = atoms.copy()
    changed.set_cell(atoms.cell.array * atoms.cell.handedness, apply_constraint=False)  # nothing is strained
    return changed


def turn(atoms: Atoms, rotation: NDArray[np.float64]) -> None:
    """Turn the atoms of a structure, and initial magnetic moments that are vectors; the cell stays.

    Parameters
    ----------
    atoms
        Structure that is changed.
    rotation
        Proper rotation, shape (3, 3): it acts on column vectors.
    """
    atoms.positions = atoms.positions @ rotation.T
    moments = atoms.get_initial_magnetic_moments()
    if moments.ndim == 2:
        atoms.set_initial_magnetic_moments(moments @ rotation.T)


def to_pymatgen(atoms: Atoms, kinds: NDArray[np.int64] | None = None) -> Any:
    """Return a pymatgen ``Structure`` of a crystal or slab: species, positions and cell, nothing else.

    Parameters
    ----------
    atoms
        Structure with three cell vectors.
    kinds
        Number of the kind of each atom, as `adatom.atoms.equivalence.species_labels` gives it. Kinds of one element
        become different species. None: each element is one species.
    """
    from pymatgen.core import Structure  # takes most of a second to import

    species = atoms.get_chemical_symbols() if kinds is None else species_names(atoms, kinds)
    return Structure(atoms.cell.array, species, atoms.get_positions(), coords_are_cartesian=True)


def species_names(atoms: Atoms, kinds: NDArray[np.int64]) -> list[str]:
    """Return the symbol of the element that stands for each atom where pymatgen is to tell kinds apart.

    The first kind of an element has its symbol. Further ones have that of an element that the structure lacks:
    pymatgen's ``StructureMatcher`` does not match species of one element that differ in spin or charge.

    Parameters
    ----------
    atoms
        Structure with atoms of several kinds.
    kinds
        Number of the kind of each atom, shape (N,).

    Raises
    ------
    InputError
        There are more kinds than elements.
    """
    # Not the noble gases and lanthanides, of whose missing electronegativities pymatgen warns.
    free = {*range(3, 10), *range(11, 18), *range(19, 36), *range(37, 54), *range(72, 86)} - {*atoms.numbers.tolist()}
    names: dict[int, str] = {}
    for number, kind in zip(atoms.numbers.tolist(), kinds.tolist(), strict=True):
        if kind in names:
            continue
        name = number
        if chemical_symbols[number] in names.values():
            if not free:
                raise InputError(f"{atoms.get_chemical_formula()} has {len(set(kinds))} kinds of atoms, too many.")
            name = min(free, key=lambda other: abs(other - number))  # nearly as heavy: pymatgen centers by mass
            free.remove(name)
        names[kind] = chemical_symbols[name]
    return [names[kind] for kind in kinds.tolist()]


def to_phonopy(atoms: Atoms) -> Any:
    """Return a ``PhonopyAtoms`` of a crystal: species, masses, magnetic moments, positions and cell.

    Atoms of an element that differ in mass have symbols with a number, such as ``"Ni1"``: give ``Phonopy`` the argument
    ``distinguish_symbol_index=True``. The cell is right-handed, as phonopy needs it: see `right_handed`.

    Parameters
    ----------
    atoms
        Crystal with three cell vectors.

    Raises
    ------
    MissingExtraError
        phonopy is not installed.
    """
    try:
        from phonopy.structure.atoms import PhonopyAtoms
    except ImportError as error:
        raise MissingExtraError("phonopy", "phonons") from error

    moments = atoms.get_initial_magnetic_moments()
    return PhonopyAtoms(
        symbols=_symbols_by_mass(atoms),
        masses=atoms.get_masses(),
        magnetic_moments=moments if moments.any() else None,
        cell=right_handed(atoms).cell.array,
        positions=atoms.get_positions(),
    )


def _symbols_by_mass(atoms: Atoms) -> list[str]:
    labels = species_labels(atoms, moments=False)  # those of one element follow one another
    first = {symbol: labels[atoms.symbols == symbol].min() for symbol in set(atoms.symbols)}
    numbers = [label - first[symbol] for symbol, label in zip(atoms.symbols, labels, strict=True)]
    return [f"{symbol}{number or ''}" for symbol, number in zip(atoms.symbols, numbers, strict=True)]
