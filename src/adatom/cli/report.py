"""Report of a run: the saved file, the printed results, and the exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from adatom.cli.documents import in_short, print_documents
from adatom.cli.say import say
from adatom.cli.summary import print_summary
from adatom.cli.tables import print_json, print_text
from adatom.errors import AdatomError
from adatom.schemas.save import add_metadata, save_results
from adatom.schemas.tables import results_table
from adatom.settings import get_settings
from adatom.workflow import Failure

__all__ = ["report"]


def report(value: Any, failures: list[Failure], file: Path, as_json: bool, **about: Any) -> None:
    """Save the value that a run returned, print a summary, and end with status 1 if a job failed or nothing is saved.

    Parameters
    ----------
    value
        Results, with failures in the places of missing ones.
    failures
        All failures of the run, including those that are not in `value`.
    file
        Path of the file that `value` is saved to.
    as_json
        True prints JSON in place of tables.
    **about
        Other facts about the run, which the JSON has before the results.

    Raises
    ------
    Exit
        Status 1, because a job failed or `value` could not be saved.
    """
    rows = results_table(value)
    saved = _save(value, file)
    if as_json:
        print_json(
            {
                **about,
                "results": rows,
                "documents": in_short(value),
                "failures": [_plain_failure(failure) for failure in failures],
                "saved": str(file) if saved else None,
                **({} if rows or failures else {"value": value}),
            }
        )
    elif rows:
        print_summary(rows)
        print_documents(value)
    elif not failures:
        print_text(str(value))
    if failures:
        _print_failures(failures)
    if failures or not saved:
        raise typer.Exit(1)


def _save(value: Any, file: Path) -> bool:
    """Save a value with the metadata of its results, and return False if it is not saved; a lone failure never is."""
    if isinstance(value, Failure):
        return False
    documents, reasons = add_metadata(value)
    try:
        save_results(documents, file)
    except AdatomError as error:
        say(f"Not saved: {error}", err=True)
        return False
    say(f"Saved {file}", err=True)
    if reasons:
        say(f"Without the metadata of materials databases: {reasons[-1]}", err=True)
    return True


def _print_failures(failures: list[Failure]) -> None:
    long = get_settings().log_level == "DEBUG"
    skipped = sum(failure.skipped_because is not None for failure in failures)
    say(f"{len(failures) - skipped} failed" + (f", {skipped} skipped:" if skipped else ":"), err=True)
    for failure in failures:
        say(failure.describe(short=not long), err=True)


def _plain_failure(failure: Failure) -> dict[str, Any]:
    shown = ("job", "kind", "message", "directory", "skipped_because")
    return {key: getattr(failure, key) for key in shown}
