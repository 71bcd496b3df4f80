"""Body of ``adatom queue sync``."""

from __future__ import annotations

from typing import Any

import typer

from adatom.cli.quantities import show_count
from adatom.cli.say import say
from adatom.cli.tables import print_json
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.spools import spools
from adatom.engines.queue.state import host_name
from adatom.errors import SchedulerError

__all__ = ["sync_spools"]


def sync_spools(as_json: bool) -> None:
    """Send tasks to the hosts of all spools, bring answers, and print what came.

    Parameters
    ----------
    as_json
        True prints JSON in place of text.

    Raises
    ------
    Exit
        Status 1, because a host does not answer.
    """
    found = list(spools())
    reports = [_synced(spool) for spool in found]
    if as_json:
        print_json(reports)
    else:
        for report in reports:
            say(_text(report), err=bool(report["error"]))
        if not reports:
            say("There is no queue.", err=True)
    if any(report["error"] for report in reports):
        raise typer.Exit(1)


def _synced(spool: Spool) -> dict[str, Any]:
    before, error = {*spool.answered(), *spool.kept()}, ""
    try:
        spool.exchange()
    except SchedulerError as failure:
        error = str(failure)
    return {
        "queue": spool.path.name,
        "host": host_name(spool),
        "came": sorted({*spool.answered()} - before) if host_name(spool) else [],
        "waiting": len(spool.waiting()),
        "running": len(spool.taken()),
        "error": error,
    }


def _text(report: dict[str, Any]) -> str:
    if report["error"]:
        return f"{report['queue']}: {report['error']}"
    if not report["host"]:
        return f"{report['queue']}: its files are on this machine; there is nothing to do"
    came = show_count(len(report["came"]), "answer", "answers")
    there = f"{report['waiting']} wait and {report['running']} run there"
    return f"{report['queue']}: {came} came from {report['host']}; {there}"
