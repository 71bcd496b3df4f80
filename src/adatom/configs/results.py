"""Results of calculations, kept with a structure."""

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
"""Behind the name of a result: its standard deviation over a committee."""

_NAMES = frozenset(all_properties)
_PER_ATOM = ("forces", "energies", "stresses", "charges", "magmoms")


def store_results(atoms: Atoms, prefix: str, results: Mapping[str, Any]) -> Atoms:
    """Keep results in a structure itself: those of each atom in `Atoms.arrays`, all others in `Atoms.info`.

    Parameters
    ----------
    atoms
        Gets them. Results of this prefix that it has already are replaced.
    prefix
        Before their names.
    results
        By name.
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
    """A structure with results that are zero, to see whether a file holds them.

    Parameters
    ----------
    prefix
        As of `store_results`.
    names
        Of the results, as ASE knows them.
    """
    atoms = Atoms("H2", positions=[(0, 0, 0), (0, 0, 1)], cell=(5, 5, 5), pbc=True)
    shapes = {name: all_outputs[name].shapespec for name in names}
    results = {
        name: np.zeros([len(atoms) if length == "natoms" else length for length in shape])
        for name, shape in shapes.items()
    }
    return store_results(atoms, prefix, results)


def with_results(atoms: Atoms, results: Mapping[str, Any], prefix: str | None) -> Atoms:
    """A structure with the results of a recipe.

    Parameters
    ----------
    atoms
        Gets them.
    results
        By name; those that ASE does not know are left out.
    prefix
        As of `store_results`; None: they are those of its calculator.
    """
    kept = {key: value for key, value in results.items() if key in _NAMES}
    if prefix is not None:
        atoms.calc = None
        return store_results(atoms, prefix, kept)
    if kept and atoms.calc is None:
        atoms.calc = SinglePointCalculator(atoms, **kept)
    return atoms


def freeze_results(atoms: Atoms) -> None:
    """Put what a calculator knows of a structure in its place.

    Parameters
    ----------
    atoms
        Has a `SinglePointCalculator` afterwards or, where nothing is known of it as it is, none.
    """
    calculator = atoms.calc
    if calculator is None or type(calculator) is SinglePointCalculator:
        return
    results = known_results(atoms)
    atoms.calc = SinglePointCalculator(atoms, **results) if results else None


def known_results(atoms: Atoms) -> dict[str, Any]:
    """What the calculator of a structure knows of it as it is, by ASE's names.

    Parameters
    ----------
    atoms
        Has a calculator.
    """
    known = atoms.calc.results if results_belong(atoms.calc, atoms) else {}
    return {name: value for name, value in known.items() if name in _NAMES}


def results_belong(calculator: Any, atoms: Atoms) -> bool:
    """Whether the results of a calculator are those of a structure; seen at once, if nothing of it was changed.

    Parameters
    ----------
    calculator
        An ASE calculator.
    atoms
        The structure.
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
