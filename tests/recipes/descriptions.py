"""Descriptions of one system that are the same physics, and documents compared without regard to the description."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_masses
from ase.neighborlist import neighbor_list

Change = Callable[[Atoms], Atoms]


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
    """The whole turned in space."""
    changed = atoms.copy()
    changed.rotate(40, (1, 2, 3), rotate_cell=True)
    return changed


def labelled(atoms: Atoms) -> Atoms:
    """Tags, labels and arrays of the user's own, and what is the default, said aloud."""
    changed = atoms.copy()
    changed.set_tags(np.arange(len(atoms)) % 3 + 1)
    changed.set_masses(atomic_masses[atoms.numbers])
    changed.set_initial_magnetic_moments(np.zeros(len(atoms)))
    changed.set_initial_charges(np.zeros(len(atoms)))
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
        moved,
        wrapped,
        unwrapped,
        rotated,
        labelled,
    )
}

# Entries that tell where and when something ran, and those that name directions or indices of the description.
_OF_THE_RUN = {"dir_name", "trajectory", "provenance", "seconds"}
_OF_THE_DESCRIPTION = {
    "atoms_index",
    "defect_position",
    "densities",  # of states: peaks, which lie a little more in the one or the other interval
    "directions",
    "displacement",
    "distances",  # along a path of q points, which begins anywhere
    "force_constants",
    "info",
    "input_atoms",
    "label_distances",
    "momenta",
    "parameters",
    "primitive_matrix",
    "qpoints",
    "raw",
    "resumed_from",
    "shift",  # of a surface from the origin
    "strains",
    "stresses",
    "supercell_matrix",
}


def same(first: Any, other: Any, rtol: float, atol: float, but: Collection[str] = ()) -> list[str]:
    """The places where two documents differ in more than their description."""
    values = [
        {path: value for path, value in _leaves(document) if not path.startswith(tuple(but))}
        for document in (first, other)
    ]
    different = [f"only in one: {key}" for key in sorted(values[0].keys() ^ values[1].keys())]
    for key in sorted(values[0].keys() & values[1].keys()):
        one, two = values[0][key], values[1][key]
        if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
            least = max(atol, rtol * np.abs(one).max(initial=0.0))  # a component that is nearly 0 is known as well
            if one.shape != two.shape or not np.allclose(one, two, rtol=rtol, atol=least, equal_nan=True):
                different.append(f"{key}: {np.array2string(one.ravel()[:6])} {np.array2string(two.ravel()[:6])}")
        elif one != two:
            different.append(f"{key}: {one!r} {two!r}")
    return different


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of a document with its path, as a number or text that does not depend on the description."""
    if isinstance(value, Atoms):
        yield from _of_atoms(value, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _OF_THE_RUN | _OF_THE_DESCRIPTION:
                yield from _leaves(item, f"{path}.{key}")
    elif is_dataclass(value):
        yield from _leaves(vars(value), path)
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | Atoms) for item in value):
        for number, item in enumerate(sorted(value, key=_order)):
            yield from _leaves(item, f"{path}[{number}]")
    elif isinstance(value, int | float | complex | np.ndarray | np.generic | list | tuple) and _is_number(value):
        yield path, _invariant(np.asarray(value), path)
    else:
        yield path, str(value)


def _is_number(value: Any) -> bool:
    try:
        return np.issubdtype(np.asarray(value).dtype, np.number)
    except ValueError:
        return False


def _invariant(value: np.ndarray, path: str) -> np.ndarray:
    """What remains of an array when atoms are in another order and the whole is turned."""
    key = path.rpartition(".")[2]
    if path.endswith((".forces", ".magmoms", ".charges", ".results.energies", ".stresses")):
        return np.sort(np.linalg.norm(value, axis=1) if value.ndim == 2 else value)
    if key == "stress" and value.shape[-1:] == (6,):
        xx, yy, zz, yz, xz, xy = np.moveaxis(value, -1, 0)
        return np.linalg.eigvalsh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    if key == "frequencies" and value.ndim == 2:  # of bands: the path goes other ways through the same points
        return np.array([value.min(), value.max()])
    return value


def _of_atoms(atoms: Atoms, path: str) -> Iterator[tuple[str, Any]]:
    yield f"{path}.symbols", atoms.get_chemical_formula()
    yield f"{path}.masses", np.sort(atoms.get_masses())
    if atoms.cell.rank == 3:
        yield f"{path}.volume", np.array(atoms.get_volume())
    ends, distances = neighbor_list("id", atoms, 3.5)
    yield f"{path}.distances", np.sort(distances)
    yield f"{path}.neighbors", np.sort(np.bincount(ends, minlength=len(atoms)))


def _order(item: Any) -> tuple[float, ...]:
    """A key by which documents come in the same order, whatever the order of atoms."""
    found: list[float] = []
    for _, value in _leaves(item):
        if isinstance(value, np.ndarray):
            found += [float(f"{number:.4g}") + 0.0 for number in value.real.ravel()[:8]]
        else:
            found.append(float(sum(map(ord, value))))
    return tuple(found)


def changed(value: Any, change: Change) -> Any:
    """Arguments with all structures changed in the same way."""
    if isinstance(value, Atoms):
        return change(value)
    return [changed(item, change) for item in value] if isinstance(value, list) else value
