"""Tables of results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from adatom.schemas.search import find_results

__all__ = ["ResultRow", "results_table"]


class ResultRow(TypedDict):
    """Row of a table of results; None stands for a value that the result does not have.

    Attributes
    ----------
    result
        Place of the result in the value that a flow returned, such as ``"relax[0]"``.
    name
        Name of the calculation, such as ``"relax"``.
    formula
        Chemical formula of the final structure.
    energy
        Potential energy of the final structure, in eV.
    max_force
        Length of the longest force on an atom in eV/Å, without the components that constraints remove.
    converged
        True if the calculation reached the criterion that it was given.
    steps
        Number of steps that the calculation took.
    directory
        Path of the run directory.
    """

    result: str
    name: str | None
    formula: str | None
    energy: float | None
    max_force: float | None
    converged: bool | None
    steps: int | None
    directory: str


def results_table(value: Any) -> list[ResultRow]:
    """Return a row for each result in a value; a result that stands in two places has one row.

    Parameters
    ----------
    value
        Results, in lists, tuples and dictionaries that are nested to any depth.
    """
    rows: dict[str, ResultRow] = {}
    for place, result in find_results(value):
        rows.setdefault(result["dir_name"], _row(place, result))
    return list(rows.values())


def _row(place: str, result: Mapping[str, Any]) -> ResultRow:
    found = result["results"] if isinstance(result["results"], Mapping) else {}
    atoms = result.get("atoms")
    return {
        "result": place,
        "name": result.get("name"),
        "formula": atoms.get_chemical_formula() if atoms is not None else None,
        "energy": found.get("energy"),
        "max_force": _max_force(atoms, found.get("forces")),
        "converged": result.get("converged"),
        "steps": result.get("steps"),
        "directory": result["dir_name"],
    }


def _max_force(atoms: Any, forces: Any) -> float | None:
    if forces is None or atoms is None:
        return None
    forces = np.array(forces, dtype=float)
    for constraint in atoms.constraints:  # results hold forces as computed, also on atoms that are held
        constraint.adjust_forces(atoms, forces)
    return float(np.linalg.norm(forces, axis=1).max())
