"""Descriptions of one system that are the same physics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import spglib
from ase import Atoms
from ase.data import atomic_masses

Change = Callable[[Atoms], Atoms]

# Vectors in Cartesian axes, one for each atom.
_VECTORS = ("initial_magmoms", "momenta")


def _new_cell(atoms: Atoms, rows: Any) -> Atoms:
    """Other vectors of the same lattice: atoms stay where they are."""
    changed = atoms.copy()
    changed.set_cell(rows)
    return changed


def permuted_atoms(atoms: Atoms) -> Atoms:
    """The atoms in another order. An index in a constraint goes with its atom."""
    return atoms[np.random.default_rng(len(atoms)).permutation(len(atoms))]


def turned_vectors(atoms: Atoms) -> Atoms:
    """The cell vectors in another order, of the same hand."""
    changed = _new_cell(atoms, atoms.cell.array[[1, 2, 0]])
    changed.pbc = atoms.pbc[[1, 2, 0]]
    return changed


def left_handed(atoms: Atoms) -> Atoms:
    """The first two cell vectors exchanged."""
    changed = _new_cell(atoms, atoms.cell.array[[1, 0, 2]])
    changed.pbc = atoms.pbc[[1, 0, 2]]
    return changed


def reversed_vectors(atoms: Atoms) -> Atoms:
    """All cell vectors the other way round."""
    return _new_cell(atoms, -atoms.cell.array)


def sheared(atoms: Atoms) -> Atoms:
    """An oblique cell of the same lattice."""
    added = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]) * (atoms.pbc[:, None] & atoms.pbc)
    return _new_cell(atoms, (np.eye(3) + added) @ atoms.cell.array)


def moved(atoms: Atoms) -> Atoms:
    """Another origin, with atoms outside of the cell."""
    changed = atoms.copy()
    changed.positions += [0.37, -0.21, 0.11]
    return changed


def wrapped(atoms: Atoms) -> Atoms:
    """Another origin, and all atoms in the cell: what is whole lies across its faces."""
    changed = moved(atoms)
    changed.wrap()
    return changed


def unwrapped(atoms: Atoms) -> Atoms:
    """Each atom in some cell or other."""
    changed = atoms.copy()
    cells = np.random.default_rng(len(atoms)).integers(-2, 3, (len(atoms), 3))
    changed.positions += (cells * atoms.pbc) @ atoms.cell.array
    return changed


def rotated(atoms: Atoms) -> Atoms:
    """The whole turned in space, with the vectors that its atoms have."""
    changed = atoms.copy()
    changed.rotate(40, (1, 2, 3), rotate_cell=True)
    for name in _VECTORS:
        if name in atoms.arrays and atoms.arrays[name].ndim == 2:
            vectors = Atoms(f"H{len(atoms)}", atoms.arrays[name])
            vectors.rotate(40, (1, 2, 3))
            changed.arrays[name] = vectors.positions
    return changed


def labelled(atoms: Atoms) -> Atoms:
    """Tags, labels and arrays of the user's own, and what is the default, said aloud."""
    changed = atoms.copy()
    for name, default in (
        ("tags", np.arange(len(atoms)) % 3 + 1),
        ("masses", atomic_masses[atoms.numbers]),
        ("initial_magmoms", np.zeros(len(atoms))),
        ("initial_charges", np.zeros(len(atoms))),
    ):
        if not atoms.has(name):
            changed.set_array(name, default)
    changed.info |= {"label": "of the user", "number": 7}
    changed.set_array("own", np.arange(len(atoms), dtype=float))
    return changed


CHANGES: dict[str, Change] = {
    change.__name__: change
    for change in (
        permuted_atoms,
        turned_vectors,
        left_handed,
        reversed_vectors,
        sheared,
        moved,
        wrapped,
        unwrapped,
        rotated,
        labelled,
    )
}


def primitive(atoms: Atoms) -> Atoms:
    """A crystal in its smallest cell."""
    return _in_standard_cell(atoms, to_primitive=True)


def conventional(atoms: Atoms) -> Atoms:
    """A crystal in the cell of the International Tables."""
    return _in_standard_cell(atoms, to_primitive=False)


def doubled(atoms: Atoms) -> Atoms:
    """A crystal in a cell that is twice as long."""
    return atoms.repeat((2, 1, 1))


def doubled_along_diagonals(atoms: Atoms) -> Atoms:
    """A crystal in a cell along the diagonals of two cell vectors."""
    return _in_cell(atoms, np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 1]]) @ atoms.cell.array)


CELLS: dict[str, Change] = {
    change.__name__: change for change in (primitive, conventional, doubled, doubled_along_diagonals)
}


def _in_standard_cell(atoms: Atoms, to_primitive: bool) -> Atoms:
    of_atoms = [values for name, values in atoms.arrays.items() if name != "positions"]
    marks = [column for values in of_atoms for column in np.reshape(values, (len(atoms), -1)).T]
    marks += [np.isin(np.arange(len(atoms)), [index for held in atoms.constraints for index in held.get_indices()])]
    kinds = np.unique(np.round(marks, 6).T, axis=0, return_inverse=True)[1].ravel()
    cell = (atoms.cell.array, atoms.get_scaled_positions(), kinds)
    return _in_cell(atoms, spglib.standardize_cell(cell, to_primitive=to_primitive, no_idealize=True)[0])


def _in_cell(atoms: Atoms, rows: Any) -> Atoms:
    """The same crystal in a cell of other vectors: each of its atoms once."""
    times = max(1, round(abs(np.linalg.det(rows)) / atoms.get_volume()))
    many = _new_cell(atoms.repeat(times), rows)
    apart = many.get_scaled_positions()[:, None] - many.get_scaled_positions()
    at_one_place = (np.abs(apart - np.rint(apart)) < 0.01).all(axis=2)
    return many[np.unique(at_one_place.argmax(axis=1))]


def changed(value: Any, change: Change) -> Any:
    """Arguments with all structures changed in the same way."""
    if isinstance(value, Atoms):
        return change(value)
    return [changed(item, change) for item in value] if isinstance(value, list) else value
