"""``adatom jobs clean``."""

from __future__ import annotations

from typing import Annotated

import typer

from adatom.cli.jobs.selection import (
    Flow,
    Label,
    NewerThan,
    OlderThan,
    Recipe,
    all_jobs,
    read_states,
    select,
)

__all__ = ["clean"]

_STATES = ("failed", "lost", "skipped", "done", "cached")


def clean(
    state: Annotated[str, typer.Option(metavar="STATE,...", help=f"Of jobs in these states: {', '.join(_STATES)}.")],
    flow: Flow = None,
    label: Label = None,
    recipe: Recipe = None,
    newer_than: NewerThan = None,
    older_than: OlderThan = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and remove only with --yes.")] = False,
) -> None:
    """Remove the directories of jobs, after showing which and how large they are.

    The journal keeps what it says of the jobs.
    """
    from adatom.cli.actions.clean import remove_directories  # NumPy: too slow for --help

    states = read_states(state, _STATES)
    filters = {"flow": flow, "label": label, "recipe": recipe, "newer_than": newer_than, "older_than": older_than}
    chosen = select(all_jobs(), states=states, **filters)  # type: ignore[arg-type]
    remove_directories(chosen, states, yes, as_json)
