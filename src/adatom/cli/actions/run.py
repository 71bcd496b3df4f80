"""Body of ``adatom run``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ase import Atoms

from adatom.cli.parameters import read_parameters, split_words
from adatom.cli.progress import progress
from adatom.cli.report import report
from adatom.cli.save import results_file
from adatom.cli.structures import read_structures
from adatom.cli.tables import print_json, print_text
from adatom.errors import AdatomError, FlowFailure, InputError, JobFailure
from adatom.execution.registry import engine_class
from adatom.recipes.registry import Recipe, find_recipe
from adatom.schemas.search import find_results
from adatom.settings import get_settings
from adatom.utils.nested import collect
from adatom.workflow import Failure, Flow, Job, flow
from adatom.workflow.plan import Plan

__all__ = ["run_recipe"]


def run_recipe(
    recipe_name: str, structure_names: list[str], assignments: list[str], out: Path | None, as_json: bool, plan: bool
) -> None:
    """Run a recipe on structures, save its results and print them; or print which jobs would run.

    Parameters
    ----------
    recipe_name
        Name of the recipe, as `find_recipe` takes it.
    structure_names
        Structures as `read_structures` takes them; some may be values of other parameters, as ``KEY=STRUCTURE``.
    assignments
        Parameters of the recipe as ``KEY=VALUE``.
    out
        Path of the file of results; None: a file of a new name in ``results_dir``.
    as_json
        True prints JSON in place of tables.
    plan
        True prints the plan and runs nothing.

    Raises
    ------
    AdatomError
        The input is bad, or the results cannot be written.
    Exit
        Status 1, because a job failed or the results could not be saved.
    """
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
    """Return the results, with failures in the places of missing ones, and all failures."""
    try:
        value = _call(recipe, structures, parameters)
    except FlowFailure as error:
        return error.value, error.failures
    except JobFailure as error:
        return error.failure, [error.failure]
    except AdatomError:
        raise
    except Exception as error:  # the body of a user's flow raises exceptions of any kind
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
    """Return one flow around all structures, so that a failure for one does not stop the others."""

    @flow(name=recipe.step.name if len(structures) == 1 else f"{recipe.step.name}.map")
    def for_each() -> Any:
        return [recipe.step(atoms, **parameters) for atoms in structures]

    return for_each


def _show_plan(plan: Plan, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(plan), "count": plan.count, "core_hours": plan.core_hours})
    else:
        print_text(str(plan))


def _refuse_bad_input(failures: list[Failure]) -> None:
    """Raise an `InputError` if all jobs failed because of bad input, as for input that is refused earlier."""
    failed = [failure for failure in failures if failure.skipped_because is None]
    if failed and all(isinstance(failure.cause, InputError) for failure in failed):
        raise InputError(" ".join(dict.fromkeys(failure.message for failure in failed))) from failed[0].cause
