"""The command line: ``adatom run|map|plot|errors|convert|recipes|settings|engines|jobs|cache|profiles``.

What a command computes with is imported when the command runs, so that ``--help`` is quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from adatom._version import __version__
from adatom.cli.cache import cache
from adatom.cli.convert import convert
from adatom.cli.engines import engines
from adatom.cli.errors import errors
from adatom.cli.group import Group
from adatom.cli.jobs import jobs
from adatom.cli.map import map_
from adatom.cli.plot import plot
from adatom.cli.profiles import profiles
from adatom.cli.recipes import recipes
from adatom.cli.run import run
from adatom.cli.settings import settings

__all__ = ["app"]

app = typer.Typer(name="adatom", cls=Group, rich_markup_mode="markdown", pretty_exceptions_enable=False)
for command in (run, map_, plot, errors, convert, recipes, settings, engines):
    app.command(command.__name__.rstrip("_"))(command)
app.add_typer(jobs, name="jobs")
app.add_typer(cache, name="cache")
app.add_typer(profiles, name="profiles")


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Atomistic recipes that run anywhere."""
    if version:
        typer.echo(f"adatom {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
