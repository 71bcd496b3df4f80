"""Packing of many structures as a few arrays, to send them between processes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from copy import deepcopy
from hashlib import blake2b
from typing import Any

import cloudpickle
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from adatom.configs.build import attach_results, build_atoms
from adatom.configs.collector import collector_paused
from adatom.configs.results import results_belong

__all__ = ["item_digest", "pack", "unpack"]


def pack(items: Sequence[Any]) -> bytes:
    """Pickle items. Structures are pickled as arrays over all of them, which is ten times faster.

    Parameters
    ----------
    items
        Structures, or any other objects.

    Returns
    -------
    bytes
        Packed items, for `unpack`.
    """
    if not items or any(type(item) is not Atoms for item in items):
        return _pickled(items)
    if len({id(item) for item in items}) < len(items):  # a structure occurs twice: each item is to be a copy
        items = [deepcopy(atoms) for atoms in items]
    arrays = _joined_arrays(items)
    return _pickled(items if arrays is None else _Columns.of(items, arrays))


def unpack(data: bytes) -> list[Any]:
    """Return the items that were packed. Structures share no data with the packed ones, nor with one another.

    Parameters
    ----------
    data
        Bytes that `pack` has returned.
    """
    with collector_paused():
        found = pickle.loads(data)
        return found.items() if isinstance(found, _Columns) else list(found)


def item_digest(item: Any) -> bytes:
    """Return a short hash of a structure with its `info`, constraints and results, or of any other item's text.

    Parameters
    ----------
    item
        A structure, a list of structures, or any object that its `repr` describes completely.
    """
    parts: list[bytes] = []
    _collect(item, parts.append)
    return blake2b(b"\0".join(parts), digest_size=16).digest()


class _Columns:
    __slots__ = ("arrays", "cells", "lengths", "pbc", "rest")

    def __init__(self, lengths: Any, arrays: dict[str, Any], cells: Any, pbc: Any, rest: list[Any]) -> None:
        self.lengths, self.arrays, self.cells, self.pbc, self.rest = lengths, arrays, cells, pbc, rest

    @classmethod
    def of(cls, structures: Sequence[Atoms], arrays: dict[str, Any]) -> _Columns:
        """Return the columns of structures whose arrays have been joined."""
        return cls(
            np.array([len(atoms.arrays["numbers"]) for atoms in structures]),
            arrays,
            np.array([atoms.cell.array for atoms in structures]),
            np.array([atoms.pbc for atoms in structures]),
            [_rest(atoms) for atoms in structures],
        )

    def __reduce__(self) -> Any:
        return _Columns, (self.lengths, self.arrays, self.cells, self.pbc, self.rest)

    def items(self) -> list[Atoms]:
        structures, end = [], 0
        for length, cell, pbc, rest in zip(self.lengths.tolist(), self.cells, self.pbc, self.rest, strict=True):
            start, end = end, end + length
            arrays = {name: column[start:end].copy() for name, column in self.arrays.items()}
            atoms = build_atoms(arrays, cell.copy(), pbc.copy(), {})
            if rest is not None:
                info, constraints, celldisp, calculator = rest
                atoms.info = info
                if constraints:
                    atoms.set_constraint(constraints)
                if celldisp is not None:
                    atoms.set_celldisp(celldisp)
                if type(calculator) is tuple:
                    name, results = calculator
                    attach_results(atoms, results)
                    if name != SinglePointCalculator.name:
                        atoms.calc.name = name
                else:
                    atoms.calc = calculator
            structures.append(atoms)
        return structures


def _joined_arrays(structures: Sequence[Atoms]) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of all structures, joined by name; None if their names, types or shapes differ."""
    names = structures[0].arrays.keys()
    if any(atoms.arrays.keys() != names for atoms in structures):
        return None
    joined: dict[str, NDArray[Any]] = {}
    for name in names:
        parts = [atoms.arrays[name] for atoms in structures]
        dtype = parts[0].dtype
        if dtype.hasobject or any(part.dtype != dtype for part in parts):
            return None
        try:
            joined[name] = np.concatenate(parts)
        except ValueError:  # the arrays have different shapes
            return None
    return joined


def _rest(atoms: Atoms) -> tuple[Any, ...] | None:
    calculator = atoms.calc
    moved = atoms._celldisp if atoms._celldisp.any() else None
    if not atoms.info and not atoms.constraints and moved is None and calculator is None:
        return None
    if type(calculator) is SinglePointCalculator and results_belong(calculator, atoms):
        calculator = (calculator.name, calculator.results)
    return atoms.info, atoms.constraints, moved, calculator


def _pickled(value: Any) -> bytes:
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:  # objects of a script, which a worker cannot import, go by value
        return cloudpickle.dumps(value)


def _collect(item: Any, add: Callable[[bytes], None]) -> None:
    """Pass the bytes that identify an item to `add`, piece by piece."""
    if isinstance(item, Atoms):
        _collect_structure(item, add)
    elif isinstance(item, np.ndarray):
        add(f"{item.dtype.str}{item.shape}".encode())
        if item.dtype.hasobject:
            _collect(item.tolist(), add)
        else:
            add(item.tobytes())
    elif isinstance(item, dict):
        for key in sorted(item, key=repr) if len(item) > 1 else item:
            add(repr(key).encode())
            _collect(item[key], add)
    elif isinstance(item, list | tuple):
        add(f"{type(item).__name__}{len(item)}".encode())
        for part in item:
            _collect(part, add)
    else:
        add(repr(item).encode())


def _collect_structure(atoms: Atoms, add: Callable[[bytes], None]) -> None:
    add(atoms.cell.array.tobytes())
    add(atoms.pbc.tobytes())
    _collect(atoms.arrays, add)
    _collect(atoms.info, add)
    for constraint in atoms.constraints:
        _collect(constraint.todict(), add)
    calculator = atoms.calc
    if calculator is not None and (type(calculator) is SinglePointCalculator or results_belong(calculator, atoms)):
        _collect(calculator.results, add)
