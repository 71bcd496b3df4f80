"""`describe`: descriptors of many structures, and the table of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.configs.autopara import AutoparaInfo
from adatom.configs.configset import ConfigSet
from adatom.configs.mapping import identify
from adatom.configs.operation import Operation
from adatom.configs.run import Outputs, run_operation
from adatom.errors import InputError, MissingExtraError, UnknownNameError

__all__ = ["Descriptor", "describe", "descriptor_table"]

Descriptor = Mapping[str, Any] | Callable[[Atoms], Any]
"""Keyword arguments of a class of DScribe, and its name as ``kind``; or a function of a structure."""


def describe(
    inputs: Any,
    outputs: Outputs = None,
    descriptor: Descriptor | None = None,
    *,
    key: str = "descriptor",
    on_error: str = "raise",
    autopara_info: AutoparaInfo | None = None,
) -> ConfigSet:
    """Compute a descriptor of each structure of a set, and keep it in the structure.

    Parameters
    ----------
    inputs, outputs, on_error, autopara_info
        Same as in `adatom.configs.map`.
    descriptor
        Arguments of a descriptor of DScribe [1]_ with the name of its class as ``kind``, such as ``{"kind": "SOAP",
        "species": ["Cu"], "r_cut": 4.0, "n_max": 6, "l_max": 4, "periodic": True, "average": "inner"}``, lengths in Å;
        or a function that returns the numbers of a structure, or a row of numbers for each of its atoms.
    key
        Name under which a descriptor of the structure is in `Atoms.info`, and one of the atoms in `Atoms.arrays`.

    Returns
    -------
    ConfigSet
        Set of the structures with their descriptors.

    Raises
    ------
    InputError
        There is no descriptor, DScribe refuses its arguments, or `map` refuses the inputs or outputs.
    MissingExtraError
        DScribe is not installed.
    ItemError, UnfinishedError, StorageError
        These are raised in the same cases as by `map`.

    References
    ----------
    .. [1] J. Laakso et al., J. Chem. Phys. 158, 234802 (2023), https://doi.org/10.1063/5.0151031
    """
    function = _Describe(descriptor, key)
    function.make()  # refuses what it cannot be made of
    operation = Operation("describe", function, on_error=on_error, mark="describe_failed")
    identity = identify(_Describe.__call__, {"descriptor": descriptor, "key": key})
    return run_operation(operation, inputs, outputs, identity, autopara_info)


def descriptor_table(
    structures: Any, key: str = "descriptor", file: str | os.PathLike[str] | None = None
) -> NDArray[np.float64]:
    """Return the descriptors of structures as a table, as the functions of `adatom.configs.select` take it.

    Parameters
    ----------
    structures
        A `ConfigSet`, or anything that it can be made of.
    key
        Name of the descriptor of a structure in `Atoms.info`.
    file
        File that becomes the table, in the format ``.npy`` of numpy, which is then mapped and never in memory as a
        whole; it is overwritten. None: the table is in memory.

    Returns
    -------
    ndarray
        Table, shape (structures, numbers of each), in the order of the structures.

    Raises
    ------
    InputError
        A structure has no such descriptor, or one of another length than the first.
    """
    found = structures if isinstance(structures, ConfigSet) else ConfigSet(structures)
    table: NDArray[np.float64] | None = None
    for number, atoms in enumerate(found):
        row = np.asarray(atoms.info.get(key, []), dtype=float)
        if row.ndim != 1 or not len(row) or (table is not None and len(row) != table.shape[1]):
            raise InputError(_wrong_row(number, atoms, key, row, table))
        if table is None:
            shape = (len(found), len(row))
            table = np.empty(shape) if file is None else np.lib.format.open_memmap(file, "w+", float, shape)
        table[number] = row
    if table is None:
        raise InputError("There are no structures, and so no descriptors.")
    return table


def _wrong_row(number: int, atoms: Atoms, key: str, row: NDArray[Any], table: NDArray[Any] | None) -> str:
    if len(row) and row.ndim == 1 and table is not None:
        return f"Structure {number} has {len(row)} numbers in info[{key!r}], the first has {table.shape[1]}."
    if key in atoms.arrays:
        return f"{key!r} is of the atoms of structure {number}. Average it: average='inner' of DScribe's SOAP."
    return f"Structure {number} has no row of numbers in info[{key!r}]. Compute it with `describe`."


class _Describe:
    """Function that adds a descriptor to a structure. Each process makes its own."""

    def __init__(self, descriptor: Descriptor | None, key: str) -> None:
        self.descriptor, self.key = descriptor, key
        self._made: Callable[[Atoms], Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_made": None}

    def __call__(self, atoms: Atoms) -> Atoms:
        numbers = np.asarray(self.make()(atoms))
        if numbers.dtype.kind not in "fiu" or numbers.ndim not in (1, 2):
            raise InputError(f"The descriptor has shape {numbers.shape} and type {numbers.dtype}. Return real numbers.")
        if numbers.ndim == 2 and len(numbers) != len(atoms):
            raise InputError(f"The descriptor has {len(numbers)} rows, and the structure {len(atoms)} atoms.")
        if numbers.ndim == 1:
            atoms.info[self.key] = numbers
        else:
            atoms.set_array(self.key, numbers)
        return atoms

    def make(self) -> Callable[[Atoms], Any]:
        """Return the function of a structure that computes the descriptor."""
        if self._made is None:
            self._made = _make(self.descriptor)
        return self._made


def _make(descriptor: Descriptor | None) -> Callable[[Atoms], Any]:
    if not isinstance(descriptor, Mapping):
        if not callable(descriptor):
            raise InputError(
                f"descriptor is {descriptor!r}. Give a function of a structure, or the arguments of a descriptor of "
                "DScribe, such as {'kind': 'SOAP', ...}."
            )
        return descriptor
    try:
        from dscribe import descriptors
    except ImportError as error:
        raise MissingExtraError("dscribe", "descriptors") from error
    arguments = dict(descriptor)
    kind = arguments.pop("kind", None)
    if kind not in (known := _kinds(descriptors)):
        raise UnknownNameError("kind of descriptor", str(kind), known)
    try:
        create: Callable[[Atoms], Any] = getattr(descriptors, kind)(**arguments).create
    except (TypeError, ValueError) as error:
        raise InputError(f"DScribe refuses the arguments of {kind}: {error}") from error
    return create


def _kinds(descriptors: Any) -> list[str]:
    return sorted(name for name, found in vars(descriptors).items() if isinstance(found, type))
