"""``adatom jobs retry``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.jobs.selection import Json
from adatom.cli.say import say
from adatom.settings import change_settings, get_settings

__all__ = ["retry"]


def retry(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FLOW|ID]...",
            help="Flows, by name or by how a run directory begins or ends, and jobs, by id or directory. Unset: the "
            "run with jobs that failed or were lost, if it is one.",
        ),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value for a parameter of the jobs that have it."),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="Who runs the jobs; `adatom engines` lists them.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes of an engine on this machine.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to save the results, as JSON; else in results_dir.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run failed and lost jobs again, with the inputs that they had.

    One whose retry succeeded is not run again. Results are saved, and a summary is printed. The exit status is 0 if
    all went well, 1 if a job failed again, 2 if the input is bad and 130 after Ctrl-C.
    """
    changes = {"workflow_engine": engine, "local_workers": workers}
    with change_settings({key: value for key, value in changes.items() if value is not None}):
        try:
            from adatom.cli.actions.retry import retry_jobs  # ASE: too slow for --help

            retry_jobs(what or [], assign or [], out, as_json)
        except KeyboardInterrupt:
            say(f"Interrupted. What was finished is in {get_settings().results_dir}", err=True)
            raise typer.Exit(130) from None
