"""``adatom run``: a recipe on structures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.say import say
from adatom.settings import change_settings, get_settings

__all__ = ["run"]


def run(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="emt.relax_job, or your own: MODULE:FUNCTION, FILE.py:FUNCTION.")
    ],
    structure: Annotated[
        list[str],
        typer.Argument(
            metavar="STRUCTURE...",
            help="Any of: FILE (its last structure), FILE@2, FILE@: (all), FILE.db@id=3, bulk:Cu, "
            "bulk:NaCl,rocksalt,a=5.64, molecule:H2O. KEY=STRUCTURE is one for another parameter: final=last.xyz.",
        ),
    ],
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A parameter of the recipe: fmax=0.05, relax_cell=true, slab_kwargs.max_index=1, "
            "job_params.relax_job.fmax=0.1.",
        ),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="Who runs the jobs; `adatom engines` lists them.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes of an engine on this machine.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to save the results, as JSON; else in results_dir.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say which jobs would run, and run none.")] = False,
) -> None:
    """Run a recipe on one or more structures.

    Results are saved, and a summary is printed. The exit status is 0 if all went well, 1 if a job failed, 2 if the
    input is bad and 130 after Ctrl-C.
    """
    changes = {"workflow_engine": engine, "local_workers": workers}
    with change_settings({key: value for key, value in changes.items() if value is not None}):
        try:
            from adatom.cli.actions.run import run_recipe  # ASE: too slow for --help

            run_recipe(recipe, structure, assign or [], out, as_json, plan)
        except KeyboardInterrupt:
            say(f"Interrupted. What was finished is in {get_settings().results_dir}", err=True)
            raise typer.Exit(130) from None
