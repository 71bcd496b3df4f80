"""``adatom map``: a recipe on each structure of files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from adatom.errors import InputError, ItemError, UnfinishedError
from adatom.settings import change_settings, get_settings

__all__ = ["map_"]


class OnError(StrEnum):
    """What becomes of a structure for which the recipe fails."""

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
            _map(recipe, files, out, prefix, assign or [], workers, on_error, seed, time_budget, overwrite)
        except KeyboardInterrupt:
            typer.echo(f"Interrupted. What is done is in {out}.partial; the same command goes on.", err=True)
            raise typer.Exit(130) from None


def _map(
    name: str,
    files: list[str],
    out: Path,
    prefix: str | None,
    assignments: list[str],
    workers: int | None,
    on_error: OnError,
    seed: int | None,
    time_budget: float | None,
    overwrite: bool,
) -> None:
    from adatom.cli.parameters import read_parameters
    from adatom.cli.progress import progress
    from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, map
    from adatom.recipes.registry import find_recipe
    from adatom.workflow import Job

    step = find_recipe(name).step
    if not isinstance(step, Job):
        raise InputError(f"{name} is a flow, and this takes jobs. Give a job, or `adatom run {name} FILE@:`.")
    parameters: dict[str, Any] = read_parameters(step, assignments, given=("rng",) if seed is not None else ())
    inputs = ConfigSet(files[0] if len(files) == 1 else files)
    info = AutoparaInfo(workers=workers, time_budget=time_budget)
    spec = OutputSpec(out, overwrite=overwrite)
    with progress(step.name, get_settings().progress):
        try:
            found = map(
                step,
                inputs,
                spec,
                output_prefix=prefix,
                seed=seed,
                on_error=on_error.value,
                autopara_info=info,
                **parameters,
            )
        except (ItemError, UnfinishedError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    failed = len(found.failures)
    mark = f"{step.name}_failed" if prefix is None else f"{prefix}failed"
    why = f"; {failed} failed, of which {mark} says why" if failed else ""
    typer.echo(f"{len(found)} structures in {out}{why}")
    if failed:
        raise typer.Exit(1)
