"""Results of calculations that are kept in a structure or in its calculator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.calculators.singlepoint import SinglePointCalculator
from ase.outputs import all_outputs
from numpy.typing import NDArray

__all__ = [
    "STD",
    "freeze_results",
    "known_results",
    "results_belong",
    "sample_results",
    "store_results",
    "with_results",
]

STD = "_std"
"""Ending of the name under which the standard deviation of a result over a committee is kept."""

_NAMES = frozenset(all_properties)
_PER_ATOM = ("forces", "energies", "stresses", "charges", "magmoms")


def store_results(atoms: Atoms, prefix: str, results: Mapping[str, Any]) -> Atoms:
    """Keep results in a structure itself: those of each atom in `Atoms.arrays`, all others in `Atoms.info`.

    Parameters
    ----------
    atoms
        Structure that the results are added to. Results that it has under this prefix are removed.
    prefix
        Prefix of the names of the results.
    results
        Results by ASE's names of properties, also with `STD` at the end.
    """
    for kept in (atoms.info, atoms.arrays):
        for key in [key for key in kept if key.startswith(prefix)]:
            if key.removeprefix(prefix).removesuffix(STD) in _NAMES:
                del kept[key]
    for name, value in results.items():
        if name.removesuffix(STD) in _PER_ATOM:
            atoms.arrays[prefix + name] = np.array(value)
        else:
            atoms.info[prefix + name] = value if np.ndim(value) else float(value)
    return atoms


def sample_results(prefix: str, names: Sequence[str]) -> Atoms:
    """Return a structure with results that are zero, to test if a file format holds them.

    Parameters
    ----------
    prefix
        Prefix of the names of the results.
    names
        Names of the results, as ASE knows them.
    """
    atoms = Atoms("H2", positions=[(0, 0, 0), (0, 0, 1)], cell=(5, 5, 5), pbc=True)
    shapes = {name: all_outputs[name].shapespec for name in names}
    results = {
        name: np.zeros([len(atoms) if length == "natoms" else length for length in shape])
        for name, shape in shapes.items()
    }
    return store_results(atoms, prefix, results)


def with_results(atoms: Atoms, results: Mapping[str, Any], prefix: str | None) -> Atoms:
    """Return a structure, with the results of a recipe added to it.

    Parameters
    ----------
    atoms
        Structure that the results are added to.
    results
        Results by name; those that are no properties in ASE are left out.
    prefix
        Prefix of the names, same as in `store_results`. None: if the structure has no calculator, it is given one with
        the results.
    """
    kept = {key: value for key, value in results.items() if key in _NAMES}
    if prefix is not None:
        atoms.calc = None
        return store_results(atoms, prefix, kept)
    if kept and atoms.calc is None:
        atoms.calc = SinglePointCalculator(atoms, **kept)
    return atoms


def freeze_results(atoms: Atoms) -> None:
    """Replace the calculator of a structure by its results.

    Parameters
    ----------
    atoms
        Structure that is given a `SinglePointCalculator` or, if no results belong to it as it is, no calculator.
    """
    calculator = atoms.calc
    if calculator is None or type(calculator) is SinglePointCalculator:
        return
    results = known_results(atoms)
    atoms.calc = SinglePointCalculator(atoms, **results) if results else None


def known_results(atoms: Atoms) -> dict[str, Any]:
    """Return the results that the calculator of a structure holds for it as it is, by ASE's names.

    Parameters
    ----------
    atoms
        Structure that has a calculator.
    """
    known = atoms.calc.results if results_belong(atoms.calc, atoms) else {}
    return {name: value for name, value in known.items() if name in _NAMES}


def results_belong(calculator: Any, atoms: Atoms) -> bool:
    """Return True if the results of a calculator belong to a structure. This is fast if the structure is unchanged.

    Parameters
    ----------
    calculator
        ASE calculator that may hold results.
    atoms
        Structure to compare with the one that was computed.
    """
    computed = getattr(calculator, "atoms", None)
    return (
        isinstance(computed, Atoms)
        and _same(computed.cell.array, atoms.cell.array)
        and _same(computed.pbc, atoms.pbc)
        and computed.arrays.keys() == atoms.arrays.keys()
        and all(_same(array, atoms.arrays[name]) for name, array in computed.arrays.items())
    ) or (hasattr(calculator, "check_state") and not calculator.check_state(atoms))


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
