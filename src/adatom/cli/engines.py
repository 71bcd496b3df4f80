"""``adatom engines``: the engines that can run jobs."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Annotated, Any

import typer

from adatom._version import __version__
from adatom.cli.tables import print_json, print_table
from adatom.execution.engine import Engine
from adatom.execution.registry import engine_class, engine_names, is_installed
from adatom.settings import get_settings

__all__ = ["engines"]


def engines(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False) -> None:
    """List the engines, which is selected, and what they can do."""
    selected = get_settings().workflow_engine
    found = [{"name": name, "selected": name == selected, **_described(name)} for name in engine_names()]
    if as_json:
        print_json(found)
    else:
        flags = list(dict.fromkeys(flag for engine in found for flag in engine["capabilities"]))
        print_table(
            ("engine", "selected", "version", *(flag.replace("_", " ") for flag in flags), "a runner is"),
            [
                (
                    engine["name"],
                    "yes" if engine["selected"] else "",
                    engine["version"] or engine["missing"],
                    *(_shown(engine["capabilities"].get(flag)) for flag in flags),
                    engine["runner"],
                )
                for engine in found
            ],
        )
    engine_class(selected)  # an unknown engine is an error, after the table of the known ones


def _described(name: str) -> dict[str, Any]:
    try:
        kind = engine_class(name)
    except (ImportError, AttributeError) as error:  # the package that registered the engine is broken or removed
        return {"version": None, "missing": f"cannot be imported: {error}", "capabilities": {}, "runner": ""}
    installed = is_installed(kind)
    return {
        "version": _version(kind) if installed else None,
        "missing": "" if installed else f"pip install 'adatom[{name}]'",
        "capabilities": {
            flag: sorted(value) if isinstance(value, frozenset) else value
            for flag, value in asdict(kind.capabilities).items()
        },
        "runner": kind.runner_type,
    }


def _version(kind: type[Engine]) -> str:
    if kind.package is None:
        return __version__
    package = kind.package.split(".")[0]
    try:
        return version(package)
    except PackageNotFoundError:  # the distribution has another name than its package
        return version(packages_distributions()[package][0])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:g} s"
    return {True: "yes", False: "no", None: ""}[value]
