"""``adatom profiles``: what to run, how and where, and the batch jobs that come of it."""

from __future__ import annotations

import typer

from adatom.cli.profiles.check import check
from adatom.cli.profiles.importing import import_profiles
from adatom.cli.profiles.jobs import attach, cancel, status
from adatom.cli.profiles.listing import list_profiles, show
from adatom.cli.profiles.run import render, submit

__all__ = ["profiles"]

profiles = typer.Typer(rich_markup_mode="markdown")
profiles.command("list")(list_profiles)
for command in (show, check, render, submit, status, attach, cancel):
    profiles.command()(command)


profiles.command("import")(import_profiles)


@profiles.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Profiles of commands and machines, and batch jobs: check, render, submit, follow."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
