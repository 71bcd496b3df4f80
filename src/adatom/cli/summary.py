"""Table of the results of a run, on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from adatom.cli.tables import print_table, print_text
from adatom.schemas.tables import ResultRow

__all__ = ["print_summary"]


def print_summary(rows: Sequence[ResultRow]) -> None:
    """Print a table of results.

    Parameters
    ----------
    rows
        Rows of `adatom.schemas.tables.results_table`, at least one.
    """
    # Run directories are long and begin alike, so their common part is printed once, below the table.
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


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _with_parents(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents
