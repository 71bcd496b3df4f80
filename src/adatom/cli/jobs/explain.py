"""``adatom jobs explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from adatom.cli.jobs.selection import Json

__all__ = ["explain"]


def explain(
    what: Annotated[
        str, typer.Argument(metavar="KEY|ID|DIRECTORY", help="The key of a result, or a job by its id or directory.")
    ],
    as_json: Json = False,
) -> None:
    """Say whether a job would be answered from the cache and, if not, what differs from the nearest result in it."""
    from adatom.cli.actions.explain import explain_job  # NumPy: too slow for --help

    explain_job(what, as_json)
