"""``adatom profiles check``."""

from __future__ import annotations

from typing import Annotated

import typer

from adatom.cli.tables import print_json, print_table
from adatom.machines.preflight import preflight
from adatom.machines.profiles.files import load_profiles

__all__ = ["check"]


def check(
    machine: Annotated[str, typer.Argument(help="The name of a machine.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """See whether what a machine's profile names is there: scheduler, queues, modules, executables.

    The exit status is 1 if something is not.
    """
    found = list(preflight(load_profiles().machine(machine)))
    if as_json:
        print_json([finding._asdict() for finding in found])
    else:
        shown = {True: "ok", False: "wrong", None: "unknown"}
        print_table(("", "what", "why"), [(shown[one.ok], one.what, one.why) for one in found])
    if any(finding.ok is False for finding in found):
        raise typer.Exit(1)
