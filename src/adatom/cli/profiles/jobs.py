"""``adatom profiles status``, ``attach`` and ``cancel``: batch jobs whose end has not been reported yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.quantities import show_time
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_table
from adatom.errors import InputError
from adatom.machines.outcome import Outcome
from adatom.machines.record import Record, read_records
from adatom.machines.result import conclude
from adatom.machines.watch import watch

__all__ = ["attach", "cancel", "status"]

WorkDir = Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the jobs run.")]
Job = Annotated[list[str] | None, typer.Option("--job", metavar="ID", help="Only this job; may be given again.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")]


def status(work_dir: WorkDir = Path(), job: Job = None, as_json: Json = False) -> None:
    """Show where the batch jobs in a directory are; one question to each scheduler."""
    records = _records(work_dir, job)
    known = _poll(records)
    rows = []
    for record in records:
        outcome = known.get(record.path)
        state = str(outcome.state) if outcome else "unknown"
        rows.append((record.id, state, record.name, record.machine, record.submitted, outcome.cause if outcome else ""))
    columns = ("id", "state", "name", "machine", "submitted", "cause")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        print_table(columns, [(*row[:4], show_time(row[4]), row[5]) for row in rows])


def attach(work_dir: WorkDir = Path(), job: Job = None) -> None:
    """Wait for batch jobs, and tell how each ended. The exit status is 1 if one did not succeed."""
    waiting = [(record, watch(record.scheduler, record.job)) for record in _records(work_dir, job)]
    well = True
    try:
        for record, future in waiting:
            result = conclude(record, future.result(), check=False)
            cause = f": {result.outcome.cause}" if result.outcome.cause else ""
            say(f"{result.id} {result.name} {result.outcome.state}{cause}")
            well = well and result.ok
    except KeyboardInterrupt:
        say("The jobs go on.", err=True)
        raise typer.Exit(130) from None
    if not well:
        raise typer.Exit(1)


def cancel(work_dir: WorkDir = Path(), job: Job = None) -> None:
    """Cancel batch jobs that wait or run in a directory."""
    records = _records(work_dir, job)
    for record in records:
        record.scheduler.cancel([record.job])
        say(f"{record.id} {record.name} cancelled")
    for record in records:
        record.forget()


def _records(work_dir: Path, ids: Sequence[str] | None) -> list[Record]:
    found = list(read_records(work_dir.absolute()))
    if not found:
        say(f"Nothing is submitted in {work_dir.absolute()} that nobody has followed to its end.", err=True)
    known = [record.id for record in found]
    for id in ids or ():
        if id not in known:
            raise InputError(
                f"No job {id!r} is waited for in {work_dir.absolute()}. Valid: {', '.join(known) or 'none'}."
            )
    return [record for record in found if not ids or record.id in ids]


def _poll(records: Sequence[Record]) -> Mapping[Path, Outcome]:
    known: dict[Path, Outcome] = {}
    for scheduler in {record.scheduler for record in records}:
        asked = [record for record in records if record.scheduler is scheduler]
        answers = scheduler.poll([record.job for record in asked])
        known |= {record.path: answers[record.id] for record in asked if record.id in answers}
    return known
