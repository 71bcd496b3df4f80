"""``adatom run``: a recipe on structures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adatom.errors import AdatomError, FlowFailure, InputError, JobFailure
from adatom.settings import change_settings, get_settings
from adatom.utils.nested import collect
from adatom.workflow import Failure, Flow, Job, flow

if TYPE_CHECKING:
    from ase import Atoms

    from adatom.cli.discovery import Recipe
    from adatom.workflow.plan import Plan

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
            _run(recipe, structure, assign or [], out, as_json, plan)
        except KeyboardInterrupt:
            typer.echo(f"Interrupted. What was finished is in {get_settings().results_dir}", err=True)
            raise typer.Exit(130) from None


def _run(
    recipe_name: str, structure_names: list[str], assignments: list[str], out: Path | None, as_json: bool, plan: bool
) -> None:
    from adatom.cli.discovery import find_recipe
    from adatom.cli.parameters import read_parameters, split_words
    from adatom.cli.progress import progress
    from adatom.cli.report import report
    from adatom.cli.save import results_file
    from adatom.cli.structures import read_structures
    from adatom.execution.registry import engine_class
    from adatom.schemas.search import find_results

    engine_class(get_settings().workflow_engine)
    recipe = find_recipe(recipe_name)
    structure_names, named = split_words(recipe.step, structure_names)
    parameters = read_parameters(recipe.step, [*named, *assignments])
    structures = [atoms for name in structure_names for atoms in read_structures(name)]
    if plan:
        _show_plan(_whole(recipe, structures, parameters).plan(), as_json)
        return
    file = results_file(recipe.step.name, out)
    with progress(recipe.step.name, get_settings().progress):
        value, failures = _outcome(recipe, structures, parameters)
    if next(find_results(value), None) is None:
        _refuse_bad_input(failures)
    report(value, failures, file, as_json, recipe=recipe.name, engine=get_settings().workflow_engine)


def _outcome(recipe: Recipe, structures: list[Atoms], parameters: dict[str, Any]) -> tuple[Any, list[Failure]]:
    """What there is at the end: results, failures in the places of those there are not, and all failures."""
    try:
        value = _call(recipe, structures, parameters)
    except FlowFailure as error:
        return error.value, error.failures
    except JobFailure as error:
        return error.failure, [error.failure]
    except AdatomError:
        raise
    except Exception as error:  # the body of a user's own flow may raise anything
        failure = Failure.of(error, recipe.step.name, None)
        return failure, [failure]
    return value, collect(value, Failure)


def _call(recipe: Recipe, structures: list[Atoms], parameters: dict[str, Any]) -> Any:
    step = recipe.step
    if len(structures) == 1:
        return step(structures[0], **parameters)
    if isinstance(step, Job):
        return step.map(structures, **parameters)
    return _whole(recipe, structures, parameters)()


def _whole(recipe: Recipe, structures: list[Atoms], parameters: dict[str, Any]) -> Flow[[], Any]:
    """One flow around all structures, so that what fails for one does not stop the others."""

    @flow(name=recipe.step.name if len(structures) == 1 else f"{recipe.step.name}.map")
    def for_each() -> Any:
        return [recipe.step(atoms, **parameters) for atoms in structures]

    return for_each


def _show_plan(plan: Plan, as_json: bool) -> None:
    from dataclasses import asdict

    from adatom.cli.tables import print_json, print_text

    if as_json:
        print_json({**asdict(plan), "count": plan.count, "core_hours": plan.core_hours})
    else:
        print_text(str(plan))


def _refuse_bad_input(failures: list[Failure]) -> None:
    """Where nothing was computed because the input was bad, that is said like all bad input."""
    failed = [failure for failure in failures if failure.skipped_because is None]
    if failed and all(isinstance(failure.cause, InputError) for failure in failed):
        raise InputError(" ".join(dict.fromkeys(failure.message for failure in failed))) from failed[0].cause
