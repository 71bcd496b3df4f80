"""The command line, ``adatom COMMAND``.

The module of a command has its parameters and its help, and is imported when the command is used. Commands that need
ASE or NumPy have their bodies in `adatom.cli.actions`, which is imported when they run: these packages take longer to
import than all else, and ``--help`` and completion in a shell need neither.
"""

from __future__ import annotations

from typing import Annotated

import typer

from adatom._version import __version__
from adatom.cli.group import Entry, Group

__all__ = ["app"]


class _Commands(Group):
    entries = (
        Entry("run", "adatom.cli.run:run", "Run a recipe on one or more structures."),
        Entry(
            "map",
            "adatom.cli.map:map_",
            "Run a recipe on each structure of files, and write the structures with their results.",
        ),
        Entry("select", "adatom.cli.select:select", "Choose some structures of many, and write them into a file."),
        Entry(
            "bench",
            "adatom.cli.bench:bench",
            "Benchmarks of models that need no reference: list, run, report, compare.",
        ),
        Entry("plot", "adatom.cli.plot:plot", "Draw what a saved result has to show."),
        Entry(
            "errors",
            "adatom.cli.errors:errors",
            "Show how far energies, forces and stresses of models are from a reference.",
        ),
        Entry(
            "convert",
            "adatom.cli.convert:convert",
            "Write the structures of a file into another, of another format.",
        ),
        Entry("recipes", "adatom.cli.recipes:recipes", "List the recipes, or show one."),
        Entry("settings", "adatom.cli.settings:settings", "Show each setting and where its value comes from."),
        Entry("engines", "adatom.cli.engines:engines", "List the engines, which is selected, and what they can do."),
        Entry(
            "jobs",
            "adatom.cli.jobs:jobs",
            "Jobs that were run with this results_dir: list, explain, run again, clean up.",
        ),
        Entry(
            "cache",
            "adatom.cli.cache:cache",
            "Show how many results are stored, and how large they are; `prune` removes some.",
        ),
        Entry(
            "queue",
            "adatom.cli.queue:queue",
            "Jobs of the queue engine, and the batch jobs that do them: list, explain, wait for, cancel.",
        ),
        Entry(
            "profiles",
            "adatom.cli.profiles:profiles",
            "Profiles of commands and machines, and batch jobs: check, render, submit, follow.",
        ),
    )


app = typer.Typer(name="adatom", cls=_Commands, rich_markup_mode="markdown", pretty_exceptions_enable=False)


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
