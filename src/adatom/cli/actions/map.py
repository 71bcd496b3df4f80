"""Body of ``adatom map``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import typer

from adatom.cli.parameters import read_parameters
from adatom.cli.progress import progress
from adatom.cli.say import say
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, map
from adatom.errors import InputError, ItemError, UnfinishedError
from adatom.recipes.registry import find_recipe
from adatom.settings import get_settings
from adatom.workflow import Job

__all__ = ["map_recipe"]


def map_recipe(
    name: str,
    files: list[str],
    out: Path,
    prefix: str | None,
    assignments: list[str],
    workers: int | None,
    on_error: Literal["keep", "skip", "raise", "retry"],
    seed: int | None,
    time_budget: float | None,
    overwrite: bool,
) -> None:
    """Run a recipe on each structure of files, write the structures, and print their number.

    Parameters
    ----------
    name
        Name of the recipe, as `find_recipe` takes it; it is to be a job.
    files
        Files of structures, or patterns of their names.
    out
        Path of the file that the structures with results are written to.
    prefix
        Text before the names of results, such as ``REF_``; None: the name of the job.
    assignments
        Parameters of the recipe as ``KEY=VALUE``.
    workers
        Number of worker processes on this machine; None: as the engine has it.
    on_error
        Same as in `adatom.configs.map`.
    seed
        Seed of the random numbers of a function with a parameter ``rng``; None gives it no such parameter.
    time_budget
        Time in s after which no structure is started; None: no limit.
    overwrite
        True replaces a file that another operation has written.

    Raises
    ------
    AdatomError
        The input is bad, or the structures cannot be written.
    Exit
        Status 1, because structures failed or are left.
    """
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
                on_error=on_error,
                autopara_info=info,
                **parameters,
            )
        except (ItemError, UnfinishedError) as error:
            say(str(error), err=True)
            raise typer.Exit(1) from None
    failed = len(found.failures)
    mark = f"{step.name}_failed" if prefix is None else f"{prefix}failed"
    why = f"; {failed} failed, of which {mark} says why" if failed else ""
    say(f"{len(found)} structures in {out}{why}")
    if failed:
        raise typer.Exit(1)
