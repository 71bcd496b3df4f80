"""Body of ``adatom queue check``."""

from __future__ import annotations

import typer

from adatom.cli.say import say
from adatom.cli.tables import print_json
from adatom.engines.queue.check import check

__all__ = ["check_profile"]

_SHOWN = {True: "ok", False: "wrong", None: "unknown"}


def check_profile(profile: str, as_json: bool) -> None:
    """Print each finding about a runner profile as it is known.

    Parameters
    ----------
    profile
        Name of the runner profile.
    as_json
        Whether to print JSON, at the end.
    """
    found = []
    for finding in check(profile):
        found.append(finding)
        if not as_json:
            say(f"{_SHOWN[finding.ok]:8}{finding.what}  {finding.why}".rstrip())
    if as_json:
        print_json([finding._asdict() for finding in found])
    if any(finding.ok is False for finding in found):
        raise typer.Exit(1)
