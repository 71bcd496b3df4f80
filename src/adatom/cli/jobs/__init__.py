"""``adatom jobs``: what became of each job of each run."""

from __future__ import annotations

import typer

from adatom.cli.jobs.clean import clean
from adatom.cli.jobs.explain import explain
from adatom.cli.jobs.failed import failed
from adatom.cli.jobs.listing import list_jobs
from adatom.cli.jobs.retry import retry
from adatom.cli.jobs.show import show
from adatom.cli.jobs.watch import watch

__all__ = ["jobs"]

jobs = typer.Typer(rich_markup_mode="markdown")
jobs.command("list")(list_jobs)
for command in (show, failed, retry, clean, watch, explain):
    jobs.command()(command)


@jobs.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Jobs that were run with this results_dir: list, explain, run again, clean up."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
