"""Registered types of ASE: their pieces in the key of a job, and their form as plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from types import MethodType
from typing import Any

import ase
import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.cell import Cell
from ase.constraints import dict2constraint
from numpy.typing import NDArray

__all__ = ["dump", "load", "parts", "relabel"]

# Arrays that calculators and dynamics read. An array of zeros means the same as no array.
_COUNTED = ("tags", "momenta", "initial_magmoms", "initial_charges")
_DIGITS = 1e8  # steps per Å, eV and so on: the precision of an extxyz file


def parts(value: Any, reads: Collection[str]) -> dict[str, Any] | None:
    """Return the pieces of a structure, constraint, cell or calculator that count in a key; None for other objects.

    Parameters
    ----------
    value
        Any object of ASE.
    reads
        Pieces of a structure that count in addition: ``"info"``, ``"arrays"`` and ``"results"`` for all of them,
        ``"info.KEY"``, ``"arrays.NAME"`` and ``"results.NAME"`` for one.
    """
    if isinstance(value, Atoms):
        return _of_atoms(value, reads)
    if isinstance(value, BaseCalculator):
        return _of_calculator(value)
    if isinstance(value, Cell):
        return {"cell": _rounded(value.array)}
    if hasattr(value, "todict") and type(value).__module__.startswith("ase."):
        return {"type": type(value).__name__, **value.todict()}
    return None


def _of_atoms(atoms: Atoms, reads: Collection[str]) -> dict[str, Any]:
    counted: dict[str, Any] = {
        "species": atoms.numbers.tobytes(),
        "positions": _rounded(atoms.positions),
        "cell": _rounded(atoms.cell.array),
        "pbc": "".join("FT"[int(periodic)] for periodic in atoms.pbc),
    }
    counted |= {name: _rounded(atoms.arrays[name]) for name in _COUNTED if _is_set(atoms.arrays.get(name))}
    if "masses" in atoms.arrays:
        counted["masses"] = _rounded(atoms.arrays["masses"])
    if atoms.constraints:
        counted["constraints"] = [_of_constraint(constraint) for constraint in atoms.constraints]
    if atoms._celldisp.any():
        counted["celldisp"] = _rounded(atoms._celldisp)
    if type(atoms) is not Atoms:
        own = {key: value for key, value in vars(atoms).items() if key not in _OF_ATOMS}
        counted |= {"type": type(atoms), "attributes": own}
    if atoms.calc is not None and not isinstance(atoms.calc, SinglePointCalculator):
        counted["calculator"] = atoms.calc  # a job may compute with it
    return counted | _that_are_read(atoms, reads)


def _is_set(array: NDArray[Any] | None) -> bool:
    return array is not None and bool(array.any())


def _that_are_read(atoms: Atoms, reads: Collection[str]) -> dict[str, Any]:
    """Return the pieces of a structure that a job reads beyond those that always count."""
    found = {}
    for read in reads:
        where, _, key = read.partition(".")
        if where in ("info", "arrays"):
            held = getattr(atoms, where)
            found[read] = held.get(key) if key else dict(held)
        elif where == "results" and isinstance(atoms.calc, SinglePointCalculator):
            found[read] = atoms.calc.results.get(key) if key else dict(atoms.calc.results)
    return found


_OF_ATOMS = frozenset(vars(Atoms())) | {"constraints"}


def _of_constraint(constraint: Any) -> Any:
    return constraint.todict() if hasattr(constraint, "todict") else constraint


def _of_calculator(calculator: Any) -> dict[str, Any]:
    """Return type, version and parameters of a calculator, which a calculation does not change."""
    kind = type(calculator)
    spec = {
        "type": kind,
        "ase": ase.__version__,
        "parameters": {key: value for key, value in getattr(calculator, "parameters", {}).items() if value is not None},
    }
    if not (kind.__module__.startswith("ase.calculators.") and getattr(calculator, "default_parameters", None)):
        # Other calculators may hold more than their parameters.
        own = {key: value for key, value in vars(calculator).items() if key not in _STATE}
        spec["attributes"] = {key: value for key, value in own.items() if not isinstance(value, MethodType)}
    return spec


# Attributes of every calculator of ASE that a calculation may change.
_STATE = {"atoms", "results", "parameters", "directory", "label", "prefix", "profile", "use_cache", "_directory"}


def _rounded(array: NDArray[Any]) -> NDArray[Any] | bytes:
    if array.dtype.kind != "f":
        return array
    scaled = np.rint(array * _DIGITS)
    return scaled.astype(np.int64).tobytes() if (abs(scaled) < 2**62).all() else array


def dump(value: Any) -> tuple[str, Any] | None:
    """Return a structure, without its calculator, or a cell as plain data; None for other objects.

    Parameters
    ----------
    value
        Any object of ASE.
    """
    if type(value) is Cell:
        return "Cell", value.array
    if type(value) is not Atoms:
        return None
    if any(not hasattr(constraint, "todict") for constraint in value.constraints):
        return None
    data = {
        "arrays": dict(value.arrays),
        "cell": value.cell.array,
        "pbc": value.pbc,
        "info": value.info,
        "constraints": [constraint.todict() for constraint in value.constraints],
        "celldisp": value._celldisp,
    }
    return "Atoms", data


def load(name: str, data: Any) -> Any:
    """Return the structure or cell that `dump` was given.

    Parameters
    ----------
    name
        Name of the type that `dump` returned.
    data
        Plain data that `dump` returned.
    """
    if name == "Cell":
        return Cell(data)
    atoms = Atoms(data["arrays"]["numbers"], cell=data["cell"], pbc=data["pbc"], celldisp=data["celldisp"])
    atoms.arrays = dict(data["arrays"])
    atoms.info = data["info"]
    atoms.constraints = [dict2constraint(constraint) for constraint in data["constraints"]]
    return atoms


def relabel(result: Any, arguments: Mapping[str, Any], reads: Collection[str]) -> Any:
    """Return a stored result with the ``info`` of the structure that it is used for, as labels do not count in the key.

    Parameters
    ----------
    result
        Result from the store; its structures are changed.
    arguments
        Arguments of the call that the result is used for, by name.
    reads
        Option ``reads`` of the job: with ``"info"`` the result stays as it is.
    """
    given = next((value for value in arguments.values() if isinstance(value, Atoms)), None)
    stored = result.get("input_atoms") if isinstance(result, dict) else None
    if given is None or not isinstance(stored, Atoms) or "info" in reads:
        return result
    before = stored.info
    _relabel(stored, before, given.info)
    if isinstance(result.get("atoms"), Atoms):
        _relabel(result["atoms"], before, given.info)
    return result


def _relabel(atoms: Atoms, before: Collection[str], info: dict[str, Any]) -> None:
    """Replace the labels that an input structure had, by name, with those of another one; keep what the job added."""
    kept = {name: value for name, value in atoms.info.items() if name not in before}
    atoms.info = {**deepcopy(info), **kept}
