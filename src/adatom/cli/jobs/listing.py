"""``adatom jobs list``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from adatom.cli.jobs.selection import (
    Flow,
    Json,
    Label,
    NewerThan,
    OlderThan,
    Recipe,
    all_jobs,
    by_id_and_key,
    count_states,
    latest,
    plain,
    read_states,
    select,
)
from adatom.cli.quantities import show_count, show_seconds, show_time
from adatom.cli.tables import print_json, print_table, print_text
from adatom.journal.jobs import STATES, JobRecord

__all__ = ["list_jobs"]


def list_jobs(
    flow: Flow = None,
    label: Label = None,
    recipe: Recipe = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE,...", help=f"In one of these states: {', '.join(STATES)}.")
    ] = None,
    newer_than: NewerThan = None,
    older_than: OlderThan = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Show the newest N only.")] = None,
    as_json: Json = False,
) -> None:
    """List jobs, newest last, and count them by state.

    Of one that failed or was lost and was run again the cause says what has become of it.
    """
    states = None if state is None else read_states(state)
    jobs = all_jobs()
    found = select(
        jobs,
        flow=flow,
        label=label,
        recipe=recipe,
        states=states,
        newer_than=newer_than,
        older_than=older_than,
    )
    shown = found if limit is None else found[-limit:]
    if as_json:
        print_json([plain(job) for job in shown])
        return
    if shown:
        columns = ("id", "state", "name", "flow", "label", "engine", "host", "started", "took", "cause")
        known = by_id_and_key(jobs)
        rows = [_row(job, latest(job, known)) for job in shown]
        print_table(columns, rows, right=("took",), cut=("name", "flow", "label", "engine", "host", "cause"))
    counts = f"{show_count(len(found), 'job', 'jobs')}: {count_states(found)}." if found else "There is no such job."
    print_text(counts if len(shown) == len(found) else f"{counts} The newest {len(shown)} are shown.")


def _row(job: JobRecord, now: JobRecord) -> tuple[str, ...]:
    cause = " ".join(job.cause.split())
    if now is not job and job.state in ("failed", "lost"):
        cause = f"now {now.state} as {now.id}; before: {cause}"
    return (
        job.id,
        job.state,
        job.name,
        job.flow,
        job.label,
        job.engine,
        job.host,
        "" if job.start is None else show_time(job.start),
        "" if job.start is None or job.state == "lost" else show_seconds((job.end or time.time()) - job.start),
        cause,
    )
