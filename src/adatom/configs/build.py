"""An `ase.Atoms` from arrays that are known to be right."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Parameters
from ase.calculators.singlepoint import SinglePointCalculator
from ase.cell import Cell
from numpy.typing import NDArray

__all__ = ["attach_results", "build_atoms"]


def build_atoms(
    arrays: dict[str, NDArray[Any]], cell: NDArray[np.float64], pbc: NDArray[np.bool_], info: dict[str, Any]
) -> Atoms:
    """What `Atoms.__init__` comes to, at a tenth of its cost. Nothing is checked or copied.

    Parameters
    ----------
    arrays
        What the structure holds of each atom, ``numbers`` and ``positions`` (Å) among it; each (natoms, ...).
    cell
        (3, 3), Å.
    pbc
        (3,).
    info
        Of the structure.
    """
    box = object.__new__(Cell)
    box.array = cell
    atoms = object.__new__(Atoms)
    atoms.__dict__.update(
        _cellobj=box,
        _pbc=pbc,
        arrays=arrays,
        _celldisp=np.zeros((3, 1)),
        _constraints=[],
        info=info,
        _calc=None,
    )
    return atoms


def attach_results(atoms: Atoms, results: dict[str, Any]) -> None:
    """What ``atoms.calc = SinglePointCalculator(atoms, **results)`` comes to, at a tenth of its cost.

    Parameters
    ----------
    atoms
        What was computed, from `build_atoms`.
    results
        Properties in ASE's units, as the calculator is to hold them.
    """
    computed = build_atoms(
        {name: array.copy() for name, array in atoms.arrays.items()},
        atoms._cellobj.array.copy(),
        atoms._pbc.copy(),
        atoms.info.copy(),
    )
    if atoms._constraints:
        computed._constraints = deepcopy(atoms._constraints)
    if atoms._celldisp.any():
        computed._celldisp = atoms._celldisp.copy()
    calculator = object.__new__(SinglePointCalculator)
    calculator.__dict__.update(
        atoms=computed,
        results=results,
        parameters=Parameters(),
        _directory=".",
        prefix=None,
        get_spin_polarized=calculator._deprecated_get_spin_polarized,
        use_cache=False,
    )
    atoms._calc = calculator
