"""What a recipe returned, looked through for results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adatom.cli.tables import print_table, print_text

__all__ = ["change_results", "print_summary", "summary"]


def summary(value: Any) -> list[dict[str, Any]]:
    """A row for each run.

    Parameters
    ----------
    value
        Results, in lists and dictionaries.

    Returns
    -------
    list of dict
        ``result`` (where in `value`), ``name``, ``formula``, ``energy`` (eV), ``max_force`` (eV/Å, of what constraints
        leave), ``converged``, ``steps`` and ``directory``; None for what a result does not say.
    """
    rows: dict[str, dict[str, Any]] = {}
    for place, result in _results(value, ""):
        rows.setdefault(result["dir_name"], _row(place, result))  # a result may stand in two places
    return list(rows.values())


def print_summary(rows: list[dict[str, Any]]) -> None:
    """Print the rows that `summary` gave as a table.

    Parameters
    ----------
    rows
        The rows, at least one.
    """
    # Run directories are long and begin alike: what they share is said once.
    parents = {Path(row["directory"]).parent for row in rows}
    shared = next(parent for parent in _with_parents(parents.pop()) if all(p.is_relative_to(parent) for p in parents))
    numbers = ("energy (eV)", "max force (eV/Å)", "steps")
    print_table(
        ("result", "run", "formula", *numbers[:2], "converged", numbers[2], "directory"),
        [
            (
                row["result"],
                row["name"] or "",
                row["formula"] or "",
                _number(row["energy"], 6),
                _number(row["max_force"], 4),
                {True: "yes", False: "no", None: ""}[row["converged"]],
                "" if row["steps"] is None else str(row["steps"]),
                str(Path(row["directory"]).relative_to(shared)),
            )
            for row in rows
        ],
        right=numbers,
    )
    print_text(f"Directories are in {shared}")


def change_results(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The same lists and dictionaries with each result in them changed.

    Parameters
    ----------
    value
        Results, in lists and dictionaries.
    change
        Given a result, gives another.
    """
    if _is_result(value):
        return change(value)
    if type(value) is dict:
        return {key: change_results(item, change) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(change_results(item, change) for item in value)
    return value


def _is_result(value: Any) -> bool:
    return isinstance(value, Mapping) and "results" in value and isinstance(value.get("dir_name"), str)


def _results(value: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if _is_result(value):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _results(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _results(item, f"{place}[{index}]")


def _row(place: str, result: Mapping[str, Any]) -> dict[str, Any]:
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


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _with_parents(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents
