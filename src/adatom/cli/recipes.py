"""``adatom recipes``: the recipes that can be run."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer
from rich.padding import Padding

from adatom.cli.documentation import Documentation
from adatom.cli.say import say
from adatom.cli.signatures import jobs_of
from adatom.cli.tables import print_json, print_table, print_text
from adatom.errors import AdatomError
from adatom.recipes.registry import Recipe, codes, find_recipe, recipes_of
from adatom.workflow import Flow, Job

__all__ = ["recipes"]


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="A recipe, to be shown with its parameters, or a code.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """List the recipes, or show one."""
    if name is None or name in codes():
        _list(codes() if name is None else [name], as_json)
        return
    shown = _described(find_recipe(name))
    if as_json:
        print_json(shown)
    else:
        _show(shown)


def _list(names: list[str], as_json: bool) -> None:
    found: list[Recipe] = []
    for code in names:
        try:
            found += recipes_of(code)
        except AdatomError as error:
            if len(names) == 1:
                raise
            say(f"{code}: {error}", err=True)
    columns = ("recipe", "kind", "what it does")
    rows = [(recipe.name, recipe.kind, Documentation.of(recipe.step).summary) for recipe in found]
    if as_json:
        print_json([dict(zip(("name", "kind", "summary"), row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


def _described(recipe: Recipe) -> dict[str, Any]:
    documentation = Documentation.of(recipe.step)
    signature = inspect.signature(recipe.step)
    parameters = [
        {
            "name": parameter.name,
            "type": _type(parameter.annotation),
            "required": parameter.default is parameter.empty,
            "default": None if parameter.default is parameter.empty else _default(parameter.default),
            "description": documentation.parameters.get(parameter.name, ""),
        }
        for parameter in signature.parameters.values()
    ]
    jobs = jobs_of(recipe.step)
    if jobs and "job_params" not in signature.parameters:
        parameters.append(
            {
                "name": "job_params",
                "type": "Mapping[str, Mapping[str, Any]]",
                "required": False,
                "default": "{}",
                "description": f"Parameters of its jobs, by job: {', '.join(jobs)}, or all.",
            }
        )
    return {
        "name": recipe.name,
        "kind": recipe.kind,
        "module": recipe.module,
        "function": recipe.function,
        "summary": documentation.summary,
        "description": documentation.description,
        "parameters": parameters,
        "returns": _type(signature.return_annotation),
        "sections": documentation.sections,
    }


def _show(shown: dict[str, Any]) -> None:
    print_text(f"{shown['name']}: {shown['summary']}\n\nfrom {shown['module']} import {shown['function']}\n")
    if shown["description"]:
        print_text(shown["description"] + "\n")
    print_text("Parameters")
    for item in shown["parameters"]:
        kind = f": {item['type']}" if item["type"] else ""
        print_text(f"{item['name']}{kind}{'' if item['required'] else ' = ' + item['default']}")
        print_text(Padding(item["description"], (0, 0, 0, 4)))
    for title, text in shown["sections"].items():
        print_text(f"\n{title}\n{text}")


def _type(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _default(value: Any) -> str:
    if not isinstance(value, Job | Flow):
        return repr(value)
    return f"{value.__module__.removeprefix('adatom.recipes.')}.{value.name}"
