"""Structures converted to cells and objects that pymatgen and phonopy can work with."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms

from adatom.atoms.equivalence import species_labels
from adatom.errors import MissingExtraError

__all__ = ["right_handed", "to_phonopy", "to_pymatgen", "upright"]


def upright(slab: Atoms) -> Atoms:
    """Return a slab with its third cell vector along the normal, which changes nothing where there is vacuum.

    An oblique vector hides symmetries of the surface, such as the threefold axis of fcc(111).

    Parameters
    ----------
    slab
        Slab with its first two cell vectors in the surface; it is not changed. Its atoms stay where they are, but for
        whole cell vectors in the plane.
    """
    a, b, c = slab.cell.array
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
    changed.set_cell(atoms.cell.array * atoms.cell.handedness)
    return changed


def to_pymatgen(atoms: Atoms) -> Any:
    """Return a pymatgen ``Structure`` of a crystal or slab: species, positions and cell, nothing else.

    Parameters
    ----------
    atoms
        Structure with three cell vectors.
    """
    from pymatgen.core import Structure  # takes most of a second to import

    return Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_positions(), coords_are_cartesian=True)


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

    return PhonopyAtoms(
        symbols=_symbols_by_mass(atoms),
        masses=atoms.get_masses(),
        magnetic_moments=atoms.get_initial_magnetic_moments() if atoms.has("initial_magmoms") else None,
        cell=right_handed(atoms).cell.array,
        positions=atoms.get_positions(),
    )


def _symbols_by_mass(atoms: Atoms) -> list[str]:
    labels = species_labels(atoms, moments=False)  # those of one element follow one another
    first = {symbol: labels[atoms.symbols == symbol].min() for symbol in set(atoms.symbols)}
    numbers = [label - first[symbol] for symbol, label in zip(atoms.symbols, labels, strict=True)]
    return [f"{symbol}{number or ''}" for symbol, number in zip(atoms.symbols, numbers, strict=True)]
