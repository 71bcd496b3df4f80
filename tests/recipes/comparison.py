"""Documents compared without regard to how the system was described."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.neighborlist import neighbor_list

# Entries that tell where and when something ran, and those that name directions or indices of the description.
_OF_THE_RUN = {"dir_name", "trajectory", "provenance", "seconds"}
_OF_THE_DESCRIPTION = {
    "atoms_index",
    "defect_index",
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
# Entries that are twice as large for a cell of twice the volume: of a calculation, and of an equation of state.
_EXTENSIVE = (
    *(f".results.{name}" for name in ("energy", "free_energy", "kinetic_energy", "magmom")),
    *(f".averages.{name}" for name in ("energy", "kinetic_energy", "volume")),
    *(f"curve.{name}" for name in ("volumes", "energies", "equilibrium_volume")),
    "scan.points.energies",
    *(f"eos.{name}" for name in ("v0", "e0", "volumes", "energies", "residuals")),
)
# Entries with one number, or one vector, for each atom.
_OF_EACH = (".forces", ".magmoms", ".charges", ".results.energies", ".stresses")
# What atoms have from the start, and what neighbors have.
_EXACT = tuple(
    f".{name}{whose}"
    for name in ("numbers", "masses", "initial_magmoms", "initial_charges", "held")
    for whose in ("", " of neighbors")
)


@dataclass(frozen=True)
class OfEach:
    """A number of each atom or of each pair of atoms, in ascending order."""

    numbers: np.ndarray


def same(
    first: Any, other: Any, rtol: float, atol: float, but: Collection[str] = (), sizes: tuple[int, int] = (1, 1)
) -> list[str]:
    """The places where two documents differ in more than their description.

    `sizes` are the numbers of atoms of the cells in which the system was described.
    """
    values = [
        {path: value for path, value in _leaves(document, size) if not any(re.match(pattern, path) for pattern in but)}
        for document, size in zip((first, other), sizes, strict=True)
    ]
    different = [f"only in one: {key}" for key in sorted(values[0].keys() ^ values[1].keys())]
    for key in sorted(values[0].keys() & values[1].keys()):
        one, two = values[0][key], values[1][key]
        if isinstance(one, OfEach) and isinstance(two, OfEach):
            one, two = (one.numbers, two.numbers) if sizes[0] == sizes[1] else _of_as_many(one.numbers, two.numbers)
        if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
            least = max(atol, rtol * np.abs(one).max(initial=0.0))  # a component that is nearly 0 is known as well
            if one.shape != two.shape or not np.allclose(one, two, rtol=rtol, atol=least, equal_nan=True):
                different.append(f"{key}: {np.array2string(one.ravel()[:6])} {np.array2string(two.ravel()[:6])}")
        elif one != two:
            different.append(f"{key}: {one!r} {two!r}")
    return different


def _of_as_many(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of cells with as many atoms as each other."""
    number = math.lcm(len(one), len(two))
    return (np.repeat(one, number // len(one)), np.repeat(two, number // len(two))) if number else (one, two)


def _leaves(value: Any, size: int, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of a document with its path, as numbers or text that do not depend on the description."""
    if isinstance(value, Atoms):
        yield from _of_atoms(value, path)
    elif isinstance(value, Mapping):
        size = len(value["atoms"]) if isinstance(value.get("atoms"), Atoms) else size
        for key, item in value.items():
            if key not in _OF_THE_RUN | _OF_THE_DESCRIPTION:
                yield from _leaves(item, size, f"{path}.{key}")
    elif is_dataclass(value):
        yield from _leaves(vars(value), size, path)
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | Atoms) for item in value):
        for number, item in enumerate(sorted(value, key=lambda item: _order(item, size))):
            yield from _leaves(item, size, f"{path}[{number}]")
    elif isinstance(value, int | float | complex | np.ndarray | np.generic | list | tuple) and _is_number(value):
        yield path, _invariant(np.asarray(value), size, path)
    else:
        yield path, str(value)


def _is_number(value: Any) -> bool:
    try:
        return np.issubdtype(np.asarray(value).dtype, np.number)
    except ValueError:
        return False


def _invariant(value: np.ndarray, size: int, path: str) -> np.ndarray | OfEach:
    """What remains of an array per atom, when atoms are in another order and the whole is turned."""
    key = path.rpartition(".")[2]
    if path.endswith(_EXTENSIVE):
        return np.asarray(value / size)
    if path.endswith(_OF_EACH):
        return OfEach(np.sort(np.linalg.norm(value, axis=-1).ravel() if value.ndim > 1 else value))
    if key == "dipole":
        return np.linalg.norm(value, keepdims=True)
    if key == "stress" and value.shape[-1:] == (6,):
        xx, yy, zz, yz, xz, xy = np.moveaxis(value, -1, 0)
        return np.linalg.eigvalsh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    if key == "frequencies" and value.ndim == 2:  # of bands: the path goes other ways through the same points
        return np.array([value.min(), value.max()])
    return value


def _of_atoms(atoms: Atoms, path: str) -> Iterator[tuple[str, Any]]:
    """The structure, and what its atoms have: each value, and the products of those of neighbors."""
    if atoms.cell.rank == 3:
        yield f"{path}.volume", np.array(atoms.get_volume() / len(atoms))
    first, second, distances = neighbor_list("ijd", atoms, 3.5)
    yield f"{path}.distances", OfEach(np.sort(distances))
    yield f"{path}.neighbors", OfEach(np.sort(np.bincount(first, minlength=len(atoms))))
    for name, values in _marks(atoms).items():
        vectors = np.reshape(values, (len(atoms), -1)).astype(float)
        yield f"{path}.{name}", OfEach(np.sort(np.linalg.norm(vectors, axis=1)))
        yield f"{path}.{name} of neighbors", OfEach(np.sort((vectors[first] * vectors[second]).sum(axis=1)))


def _marks(atoms: Atoms) -> dict[str, np.ndarray]:
    held = [index for constraint in atoms.constraints if isinstance(constraint, FixAtoms) for index in constraint.index]
    found = {
        "numbers": atoms.numbers,
        "masses": atoms.get_masses(),
        "initial_magmoms": atoms.get_initial_magnetic_moments(),
        "initial_charges": atoms.get_initial_charges(),
        "held": np.isin(np.arange(len(atoms)), held),
    }
    if atoms.has("kinds"):  # tags of a system that has its own, which are not those that a description adds
        found |= {"kinds": atoms.arrays["kinds"], "tags": atoms.get_tags()}
    return found


def _order(item: Any, size: int) -> tuple[tuple[float, ...], ...]:
    """A key by which documents come in the same order, whatever the order of atoms: first by what is exactly known."""
    exact: list[float] = []
    found: list[float] = []
    for path, value in _leaves(item, size):
        if isinstance(value, str):
            exact.append(float(sum(map(ord, value))))
        elif isinstance(value, OfEach):
            numbers = value.numbers if len(value.numbers) else np.zeros(1)
            both = [float(numbers.mean()), float(numbers.std())]
            if path.endswith(_EXACT):
                exact += [len(value.numbers), *(round(number, 6) + 0.0 for number in both)]
            else:
                found += map(_rounded, both)
        else:
            found += map(_rounded, value.real.ravel()[:8])
    return tuple(exact), tuple(found)


def _rounded(number: float) -> float:
    return float(f"{number:.4g}") + 0.0
