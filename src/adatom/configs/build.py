"""Fast construction of an `ase.Atoms` from arrays that are known to be right."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Parameters
from ase.calculators.singlepoint import SinglePointCalculator
from ase.cell import Cell
from numpy.typing import NDArray

__all__ = ["atoms_later", "attach_results", "build_atoms"]


def build_atoms(
    arrays: dict[str, NDArray[Any]],
    cell: NDArray[np.float64],
    pbc: NDArray[np.bool_],
    info: dict[str, Any],
    celldisp: NDArray[np.float64] | None = None,
) -> Atoms:
    """Return the structure that `Atoms.__init__` would make, at a tenth of its cost. Nothing is checked or copied.

    Parameters
    ----------
    arrays
        Arrays of shape (natoms, ...) by name, among them ``numbers`` and ``positions`` (Å).
    cell
        Cell vectors in Å, of shape (3, 3).
    pbc
        Periodicity along each cell vector, of shape (3,).
    info
        Dictionary that becomes the structure's `info`.
    celldisp
        Origin of the cell in Å, of shape (3, 1); None: zero.
    """
    box = _new(Cell)
    box.array = cell
    atoms = _new(Atoms)
    # Attributes are set one by one and in ASE's order: then Python stores them without a dictionary, and the garbage
    # collector has less to visit.
    atoms._cellobj = box
    atoms._pbc = pbc
    atoms.arrays = arrays
    atoms._celldisp = np.zeros((3, 1)) if celldisp is None else celldisp
    atoms._constraints = []
    atoms.info = info
    atoms._calc = None
    return atoms


def atoms_later(make: Callable[[int], Atoms], number: int) -> Atoms:
    """Return a structure that is made when an attribute of it is first read, and is an ordinary one from then on.

    Parameters
    ----------
    make
        Function that makes the structure. Several threads may call it.
    number
        Argument that `make` is called with.
    """
    atoms = _new(_Later)
    atoms._later = make, number
    return atoms


class _Later(Atoms):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Atoms(*args, **kwargs)  # ASE calls ``self.__class__(...)`` for copies and slices

    def __getattr__(self, name: str) -> Any:
        # Python calls this for missing attributes: at first, all of them are missing.
        own = self.__dict__
        if "_later" in own:
            make, number = own["_later"]
            made = vars(make(number)) | own
            del made["_later"]
            self.__dict__ = made
            self.__class__ = Atoms  # type: ignore[assignment]
        return object.__getattribute__(self, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        len(self)  # makes the structure
        return Atoms.__reduce_ex__(self, protocol)


def attach_results(atoms: Atoms, results: dict[str, Any], computed: Atoms | None = None) -> None:
    """Do what ``atoms.calc = SinglePointCalculator(atoms, **results)`` does, at a tenth of its cost.

    Parameters
    ----------
    atoms
        Structure that the results belong to, from `build_atoms`.
    results
        Properties by name in ASE's units, as the calculator is to hold them.
    computed
        Copy of `atoms` without its constraints, for the calculator; None: a copy is made.
    """
    if computed is None:
        computed = build_atoms(
            {name: array.copy() for name, array in atoms.arrays.items()},
            atoms._cellobj.array.copy(),
            atoms._pbc.copy(),
            atoms.info.copy(),
            atoms._celldisp.copy(),
        )
    if atoms._constraints:
        computed._constraints = deepcopy(atoms._constraints)
    calculator = _new(SinglePointCalculator)
    calculator.atoms = computed
    calculator.results = results
    calculator.parameters = Parameters()
    calculator._directory = "."
    calculator.prefix = None
    calculator.get_spin_polarized = _spin_polarized
    calculator.use_cache = False
    atoms._calc = calculator


_new: Any = object.__new__
# In ASE each calculator holds this method bound to itself, and so refers to itself. Structures that are no longer used
# would then not be freed at once but by the garbage collector, which takes longer than making them. The method needs no
# calculator.
_spin_polarized = _new(SinglePointCalculator)._deprecated_get_spin_polarized
