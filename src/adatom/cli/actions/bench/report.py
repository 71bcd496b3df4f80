"""Body of ``adatom bench report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from adatom.arena.records import load_records
from adatom.arena.report.page import write_page
from adatom.arena.report.tables import leaderboard_table
from adatom.arena.score import leaderboard
from adatom.cli.say import say
from adatom.errors import InputError, StorageError

__all__ = ["write_report"]

_TABLES: dict[str, Literal["csv", "json", "markdown"]] = {".csv": "csv", ".json": "json", ".md": "markdown"}


def write_report(places: Sequence[Path], out: Path) -> None:
    """Write a page or a table of the scores in records, and print its name.

    Parameters
    ----------
    places
        Directories and files of records.
    out
        File to write; its ending says what: a page or a table.

    Raises
    ------
    InputError
        There are no records, or the ending is unknown.
    StorageError
        The file cannot be written.
    """
    if out.suffix not in (".html", *_TABLES):
        raise InputError(f"{out}: a report is .html, {', '.join(_TABLES)}. Give a name that ends so.")
    records = load_records(places)
    try:
        if out.suffix == ".html":
            write_page(records, out)
        else:
            out.write_text(leaderboard_table(leaderboard(records), _TABLES[out.suffix]), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"Cannot write {out}: {error.strerror or error}.") from error
    say(str(out))
