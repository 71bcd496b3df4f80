"""An `ase.Atoms` from arrays that are known to be right."""

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
    celldisp
        Where the cell begins, (3, 1), Å; None: at zero.
    """
    box = _new(Cell)
    box.array = cell
    atoms = _new(Atoms)
    # One by one and in ASE's order: so Python keeps them without a dictionary, of which its collector sees less.
    atoms._cellobj = box
    atoms._pbc = pbc
    atoms.arrays = arrays
    atoms._celldisp = np.zeros((3, 1)) if celldisp is None else celldisp
    atoms._constraints = []
    atoms.info = info
    atoms._calc = None
    return atoms


def atoms_later(make: Callable[[int], Atoms], number: int) -> Atoms:
    """A structure that is made when something first asks what it holds, and is then like any other.

    Parameters
    ----------
    make
        What makes it. More than one thread may call it.
    number
        What `make` is given.
    """
    atoms = _new(_Later)
    atoms._later = make, number
    return atoms


class _Later(Atoms):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Atoms(*args, **kwargs)  # as in ``self.__class__(...)``, of which ASE makes copies and parts

    def __getattr__(self, name: str) -> Any:
        # Python calls this for what is not there: at first, that is everything.
        own = self.__dict__
        if "_later" in own:
            make, number = own["_later"]
            made = vars(make(number)) | own
            del made["_later"]
            self.__dict__ = made
            self.__class__ = Atoms  # type: ignore[assignment]
        return object.__getattribute__(self, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        len(self)  # which makes it
        return Atoms.__reduce_ex__(self, protocol)


def attach_results(atoms: Atoms, results: dict[str, Any], computed: Atoms | None = None) -> None:
    """What ``atoms.calc = SinglePointCalculator(atoms, **results)`` comes to, at a tenth of its cost.

    Parameters
    ----------
    atoms
        What was computed, from `build_atoms`.
    results
        Properties in ASE's units, as the calculator is to hold them.
    computed
        A copy of `atoms` for the calculator, without its constraints; None: it is made.
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
# ASE has each calculator hold this method of its own, and so itself. Then structures that nobody needs any more are not
# forgotten at once: Python has to look for them, which takes longer than making them. The method needs no calculator.
_spin_polarized = _new(SinglePointCalculator)._deprecated_get_spin_polarized
