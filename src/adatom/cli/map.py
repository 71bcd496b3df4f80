"""``adatom map``: a recipe for each structure of files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.say import say
from adatom.settings import change_settings

__all__ = ["map_"]


class OnError(StrEnum):
    """Treatment of a structure for which the recipe fails, as `adatom.configs.map` has it."""

    KEEP, SKIP, RAISE, RETRY = "keep", "skip", "raise", "retry"


def map_(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A job: emt.static_job; your own: MODULE:FUNCTION, FILE.py:FUNCTION."),
    ],
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files of structures, or patterns such as 'run*.xyz'.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the structures with results go.")],
    prefix: Annotated[
        str | None,
        typer.Option(metavar="PREFIX", help="Before the names of results: REF_ for REF_energy and REF_forces."),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the recipe: relax_cell=true."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes on this machine.")] = None,
    engine: Annotated[str | None, typer.Option(help="Who runs it instead; `adatom engines` lists them.")] = None,
    on_error: Annotated[
        OnError, typer.Option("--on-error", help="Of a structure for which the recipe fails.")
    ] = OnError.KEEP,
    seed: Annotated[int | None, typer.Option(help="Of random numbers, for a function with a parameter rng.")] = None,
    time_budget: Annotated[
        float | None,
        typer.Option("--time-budget", metavar="SECONDS", min=0, help="Start nothing after this time."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what something else has made.")] = False,
) -> None:
    """Run a recipe on each structure of files, and write the structures with their results.

    What is done is kept at any time: run the same command again, and it goes on. The exit status is 0 if all went well,
    1 if some failed or are left, 2 if the input is bad and 130 after Ctrl-C.
    """
    changes = {"workflow_engine": engine}
    with change_settings({key: value for key, value in changes.items() if value is not None}):
        try:
            from adatom.cli.actions.map import map_recipe  # ASE: too slow for --help

            map_recipe(recipe, files, out, prefix, assign or [], workers, on_error.value, seed, time_budget, overwrite)
        except KeyboardInterrupt:
            say(f"Interrupted. What is done is in {out}.partial; the same command goes on.", err=True)
            raise typer.Exit(130) from None
