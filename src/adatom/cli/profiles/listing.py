"""``adatom profiles list`` and ``show``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from adatom.cli.tables import print_json, print_table, print_text
from adatom.errors import UnknownNameError
from adatom.machines.profiles.files import load_profiles
from adatom.settings.places import profile_places

__all__ = ["list_profiles", "show"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")]


def list_profiles(as_json: Json = False) -> None:
    """List the profiles that are found, and where they are looked for."""
    found = load_profiles()
    rows = [
        *(("command", one.name, f"runs {one.executable!r}. {one.description}") for one in found.commands.values()),
        *(
            ("execution", one.name, f"{one.command} on {one.nodes} x {one.ranks_per_node} ranks")
            for one in found.executions.values()
        ),
        *(
            ("machine", one.name, f"{one.scheduler} on {one.host}" if one.host else one.scheduler)
            for one in found.machines.values()
        ),
        *(
            ("runner", one.name, f"{one.jobs_per_node} jobs at a time on a node of {one.machine}")
            for one in found.runners.values()
        ),
        *(
            ("remote", one.name, f"{one.items_per_job} items in a job of {getattr(one.system, 'name', one.system)}")
            for one in found.remote.values()
        ),
    ]
    if as_json:
        print_json([dict(zip(("kind", "name", "about"), row, strict=True)) for row in rows])
        return
    if rows:
        print_table(("kind", "name", "about"), rows)
    places = ", ".join(f"{place}{'' if place.exists() else ' (not there)'}" for place in profile_places())
    print_text(f"{len(rows)} profiles, from {places}")


def show(name: Annotated[str, typer.Argument(help="Of a command, execution, machine, runner or label.")]) -> None:
    """Print all that a profile says, its defaults too, as JSON."""
    found = load_profiles()
    kinds: dict[str, dict[str, Any]] = {
        "command": found.commands,
        "execution": found.executions,
        "machine": found.machines,
        "runner": found.runners,
        "remote": found.remote,
    }
    named = {kind: profiles[name].model_dump(mode="json") for kind, profiles in kinds.items() if name in profiles}
    if not named:
        raise UnknownNameError("profile", name, {name for profiles in kinds.values() for name in profiles})
    print_json(named)
