"""Encoding of many structures as one piece of bytes, with a column for each quantity."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any
from zlib import crc32

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import dict2constraint
from numpy.typing import NDArray

from adatom.configs.build import atoms_later, attach_results, build_atoms
from adatom.configs.results import results_belong
from adatom.errors import InputError, StorageError
from adatom.utils.plain import from_plain, to_plain

__all__ = ["Block", "Parts", "check_storable", "encode", "parts_of"]

_ALIGNED = 16  # bytes, of which the position of each array is a multiple
_TOGETHER = 256  # structures, or atoms, whose arrays are views of one copy
_PYTHON = {"int": int, "float": float, "bool": bool}


Parts = list[tuple[tuple[Any, ...], Any]]
"""Quantities of a structure, each with a key; values that have the same key fit into one column."""


def check_storable(atoms: Atoms) -> None:
    """Refuse a structure that a store does not hold.

    Parameters
    ----------
    atoms
        Structure to store.

    Raises
    ------
    InputError
        A value that is attached to the structure cannot be stored.
    """
    parts_of(atoms)


def parts_of(atoms: Atoms) -> Parts:
    """Return the quantities of a structure, for `encode`.

    Parameters
    ----------
    atoms
        Structure to store, with its arrays, `info` and constraints, and with the results of its calculator where these
        belong to the structure.

    Raises
    ------
    InputError
        A value that is attached to the structure cannot be stored.
    """
    return list(_parts(atoms))


def encode(structures: Sequence[Atoms], parts: Sequence[Parts] | None = None) -> bytes:
    """Return structures as bytes for `Block`.

    Parameters
    ----------
    structures
        Structures to encode.
    parts
        Quantities of each structure by `parts_of`; None: they are found here.

    Raises
    ------
    InputError
        A value that is attached to a structure cannot be stored.
    """
    columns: dict[tuple[Any, ...], tuple[int, list[int], list[Any]]] = {}
    orders: dict[tuple[int, ...], int] = {}
    order_of = []
    for number, its_parts in enumerate(map(parts_of, structures) if parts is None else parts):
        order = []
        for key, value in its_parts:
            place, numbers, values = columns.setdefault(key, (len(columns), [], []))
            numbers.append(number)
            values.append(value)
            order.append(place)
        order_of.append(orders.setdefault(tuple(order), len(orders)))

    everyone = list(range(len(structures)))
    buffers: list[bytes] = []
    size = 0

    def kept(array: NDArray[Any]) -> list[Any]:
        nonlocal size
        data = np.ascontiguousarray(array).tobytes()
        place, padding = size, -len(data) % _ALIGNED
        buffers.append(data + bytes(padding))
        size += len(data) + padding
        return [place, array.dtype.str, list(array.shape)]

    described = []
    for (kind, name, form, *_), (_, numbers, values) in columns.items():
        if form == "json":
            data: Any = values
        elif form == "atoms":
            data = kept(np.concatenate(values))
        else:
            data = kept(np.array(values, dtype={"int": np.int64}.get(form)))
        described.append([kind, name, form, None if numbers == everyone else kept(np.array(numbers)), data])
    lengths = kept(np.array([len(atoms) for atoms in structures], np.int64))
    about = {
        "count": len(structures),
        "lengths": lengths,
        "cells": kept(np.array([atoms.cell.array for atoms in structures])),
        "pbc": kept(np.array([atoms.pbc for atoms in structures])),
        "celldisps": kept(np.array([atoms.get_celldisp() for atoms in structures], float)),
        "columns": described,
        "orders": list(orders),
        "order_of": kept(np.array(order_of)),
    }
    header = json.dumps(about).encode()
    body = b"".join([len(header).to_bytes(8, "little"), header, bytes(-len(header) % _ALIGNED), *buffers])
    return crc32(body).to_bytes(8, "little") + body


class Block:
    """Encoded structures. Each structure is made on access, and shares no data with any other.

    Parameters
    ----------
    data
        Bytes that `encode` has returned.

    Raises
    ------
    StorageError
        The data are damaged or incomplete.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < 16 or crc32(memoryview(data)[8:]) != int.from_bytes(data[:8], "little"):
            raise StorageError("The checksum is not that of the data: they are damaged.")
        size = int.from_bytes(data[8:16], "little")
        header = json.loads(data[16 : 16 + size])
        self._data, self._start = data, 16 + size + -size % _ALIGNED
        self._count: int = header["count"]
        self._lengths = self._array(header["lengths"])
        self._spans = _spans(self._lengths)
        self._cells, self._pbc, self._celldisps = (self._array(header[key]) for key in ("cells", "pbc", "celldisps"))
        self._orders: list[list[int]] = header["orders"]
        self._order_of = self._array(header["order_of"]).tolist()
        self._columns = [self._column(*column) for column in header["columns"]]
        self._has_results = any(kind == "results" or name == "calculator" for kind, name, *_ in self._columns)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Atoms]:
        start = 0
        while start < self._count:
            # The arrays of several small structures are views of one copy, which saves half of the time. A structure
            # that outlives the others keeps no more than a few kB in memory.
            first, stop = self._spans[start][0], start + 1
            while stop < min(self._count, start + _TOGETHER) and self._spans[stop][1] - first <= _TOGETHER:
                stop += 1
            yield from self._made(start, stop)
            start = stop

    def __getitem__(self, number: int) -> Atoms:
        if not 0 <= number < self._count:
            raise IndexError(number)
        return next(self._made(number, number + 1))

    def _made(self, start: int, stop: int) -> Iterator[Atoms]:
        info, results, rest = (self._rows(kind, start, stop)() for kind in ("info", "results", "rest"))
        copy = self._copies(start, stop) if self._has_results else None
        rows = zip(self._rows("arrays", start, stop)(), *self._places(start, stop), info, results, rest, strict=True)
        for number, (arrays, cell, pbc, celldisp, about, found, more) in enumerate(rows):
            atoms = build_atoms(arrays, cell, pbc, about, celldisp)
            if more and "constraints" in more:
                atoms.set_constraint([dict2constraint(each) for each in more["constraints"]])
            if copy is not None and (found or "calculator" in more):
                attach_results(atoms, found, atoms_later(copy, number))
                if more.get("calculator"):
                    atoms.calc.name = more["calculator"]
            yield atoms

    def _copies(self, start: int, stop: int) -> Callable[[int], Atoms]:
        """Return a function that makes a copy of a structure by place. Few are made, as only results need them."""
        arrays, info = (self._rows(kind, start, stop) for kind in ("arrays", "info"))
        places = self._places(start, stop)
        rows: list[tuple[Any, ...]] = []

        def copy(number: int) -> Atoms:
            if not rows:
                rows[:] = zip(arrays(), *places, info(), strict=True)  # in one step, for the sake of other threads
            its_arrays, cell, pbc, celldisp, about = rows[number]
            return build_atoms(its_arrays, cell, pbc, about, celldisp)

        return copy

    def _places(self, start: int, stop: int) -> list[NDArray[Any]]:
        """Return the cells, periodicities and origins of the cells of a run of structures."""
        return [values[start:stop].copy() for values in (self._cells, self._pbc, self._celldisps)]

    def _rows(self, kind: str, start: int, stop: int) -> Callable[[], Iterator[dict[str, Any]]]:
        """Return a function that yields each structure's quantities of a kind by name, without use of the block."""
        chosen = [place for place, (its_kind, *_) in enumerate(self._columns) if its_kind == kind]
        if not chosen:
            return lambda: ({} for _ in range(start, stop))
        names = [self._columns[place][1] for place in chosen]
        columns = [self._columns[place][2](start, stop) for place in chosen]
        if len(self._orders) == 1:
            return lambda: map(dict, map(zip, repeat(names), zip(*columns, strict=True)))  # no line of Python for each
        found = {place: at for at, place in enumerate(chosen)}
        plans = [[(names[found[place]], found[place]) for place in order if place in found] for order in self._orders]
        wanted = self._order_of[start:stop]
        return lambda: (
            {name: row[at] for name, at in plans[order]}
            for order, row in zip(wanted, zip(*columns, strict=True), strict=True)
        )

    def _array(self, stored: Sequence[Any]) -> NDArray[Any]:
        place, dtype, shape = stored
        count = int(np.prod(shape))
        if not count:
            return np.empty(shape, dtype)
        return np.frombuffer(self._data, dtype, count, self._start + place).reshape(shape)

    def _column(
        self, kind: str, name: str, form: str, numbers: Any, stored: Any
    ) -> tuple[str, str, Callable[[int, int], Iterable[Any]]]:
        """Return kind and name of a quantity, and a function that gives its values (None: missing) in a run."""
        if numbers is None:
            return kind, name, self._values(form, self._lengths, self._spans, stored)
        places = self._array(numbers)
        chosen, lengths = places.tolist(), self._lengths[places]
        of_chosen = self._values(form, lengths, _spans(lengths), stored)

        def of_some(start: int, stop: int) -> Iterable[Any]:
            first, last = bisect_left(chosen, start), bisect_left(chosen, stop)
            found: list[Any] = [None] * (stop - start)
            if first < last:
                for number, value in zip(chosen[first:last], of_chosen(first, last), strict=True):
                    found[number - start] = value
            return found

        return kind, name, of_some

    def _values(
        self, form: str, lengths: NDArray[np.int64], spans: list[tuple[int, int]], stored: Any
    ) -> Callable[[int, int], Iterable[Any]]:
        """Return a function that gives the values of a run of the structures that have the quantity."""
        if form == "json":
            return lambda start, stop: [from_plain(value) for value in stored[start:stop]]
        values = self._array(stored)
        if form in _PYTHON:
            return lambda start, stop: values[start:stop].tolist()
        if form != "atoms":
            return lambda start, stop: values[start:stop].copy()

        length = int(lengths[0])
        same = bool((lengths == length).all())

        def of_atoms(start: int, stop: int) -> Iterable[Any]:
            offset = spans[start][0]
            piece = values[offset : spans[stop - 1][1]].copy()
            if same:  # twice as fast as slices
                return piece.reshape(stop - start, length, *piece.shape[1:])
            return [piece[first - offset : last - offset] for first, last in spans[start:stop]]

        return of_atoms


def _spans(lengths: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return start and end of each structure's atoms among those of all structures."""
    ends = np.cumsum(lengths).tolist()
    return list(zip([0, *ends], ends, strict=False))


def _parts(atoms: Atoms) -> Iterator[tuple[tuple[Any, ...], Any]]:
    count = len(atoms)
    for name, array in atoms.arrays.items():
        yield _part("arrays", name, array, count)
    for name, value in atoms.info.items():
        if type(name) is not str:
            raise InputError(f"info: the key {name!r} cannot be stored. Valid: strings.")
        yield _part("info", name, value, count)
    if atoms.constraints:
        yield ("rest", "constraints", "json"), [_constraint(each) for each in atoms.constraints]
    calculator = atoms.calc
    if calculator is None or not results_belong(calculator, atoms):
        return
    single = isinstance(calculator, SinglePointCalculator)
    if single and (calculator.name != "unknown" or not calculator.results):
        yield ("rest", "calculator", "json"), calculator.name if calculator.name != "unknown" else ""
    for name, value in calculator.results.items():
        yield _part("results", name, value, count)


def _constraint(constraint: Any) -> Any:
    try:
        described = constraint.todict()
        dict2constraint(described)
        return to_plain(described)
    except Exception as error:  # of many kinds
        what = type(constraint).__name__
        raise InputError(f"constraints: {what} cannot be stored ({error}). Remove it from the structure.") from error


def _part(kind: str, name: str, value: Any, count: int) -> tuple[tuple[Any, ...], Any]:
    if type(value) is np.ndarray and value.ndim and value.dtype.kind in "biufcSU":
        if len(value) == count:
            return (kind, name, "atoms", value.dtype.str, value.shape[1:]), value
        return (kind, name, "array", value.dtype.str, value.shape), value
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return (kind, name, "number", value.dtype.str), value
    form = type(value).__name__
    if type(value) in _PYTHON.values() and (form != "int" or abs(value) < 2**63):
        return (kind, name, form), value
    try:
        return (kind, name, "json"), to_plain(value)
    except (InputError, RecursionError) as error:
        raise InputError(f"{kind}[{name!r}]: {error}") from error
