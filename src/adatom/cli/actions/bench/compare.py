"""Body of ``adatom bench compare``."""

from __future__ import annotations

from pathlib import Path

from adatom.arena.comparison import compare
from adatom.arena.records import load_records
from adatom.cli.tables import print_json, print_table, print_text

__all__ = ["compare_records"]


def compare_records(first: Path, second: Path, as_json: bool) -> None:
    """Print two records of a benchmark side by side.

    Parameters
    ----------
    first, second
        Files of the records.
    as_json
        True prints JSON in place of tables.

    Raises
    ------
    InputError
        A file is no record, or the records are not comparable.
    """
    (one,), (other,) = load_records([first]), load_records([second])
    found = compare(one, other)
    if as_json:
        print_json(found)
        return
    names = (f"A: {found['first']}", f"B: {found['second']}")
    sides = {"first": "A", "second": "B", "": ""}
    rows = [("score", *(f"{score:.3f}" for score in found["scores"]), "", "")]
    rows += [
        (
            f"{row['name']} ({row['unit']})" if row["unit"] else row["name"],
            *("" if value is None else f"{value:.4g}" for value in (row["first"], row["second"])),
            sides[row["better"]],
            str(row["systems"]),
        )
        for row in found["metrics"]
    ]
    print_table((found["benchmark"], *names, "better", "systems"), rows, right=(*names, "systems"))
    for key, name in (("only_first", names[0]), ("only_second", names[1])):
        if found[key]:  # type: ignore[literal-required]
            print_text(f"Only {name} has: {', '.join(found[key])}")  # type: ignore[literal-required]
