"""``adatom jobs failed``."""

from __future__ import annotations

import re

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
    select,
)
from adatom.cli.tables import print_json, print_table, print_text
from adatom.journal.jobs import JobRecord

__all__ = ["failed"]

_STATES = ("failed", "lost", "skipped")
_EXAMPLES = 3


def failed(
    flow: Flow = None,
    label: Label = None,
    recipe: Recipe = None,
    newer_than: NewerThan = None,
    older_than: OlderThan = None,
    as_json: Json = False,
) -> None:
    """Show what failed, was lost or was skipped, by cause.

    Causes that differ only in words with digits, such as numbers and directories, are one. A job that was retried is
    what its retry is.
    """
    jobs = all_jobs()
    chosen = select(jobs, flow=flow, label=label, recipe=recipe, newer_than=newer_than, older_than=older_than)
    known = by_id_and_key(jobs)
    now = {job.id: job for job in (latest(job, known) for job in chosen)}
    found = [job for job in now.values() if job.state in _STATES]
    groups = sorted(_by_cause(found), key=lambda group: -len(group[2]))
    if as_json:
        print_json(
            [
                {"state": state, "cause": cause, "count": len(members), "jobs": [plain(job) for job in members]}
                for state, cause, members in groups
            ]
        )
        return
    if not found:
        print_text("No job failed, was lost or was skipped.")
        return
    print_table(
        ("count", "state", "cause", "examples"),
        [
            (str(len(members)), state, cause, ", ".join(job.id for job in members[:_EXAMPLES]))
            for state, cause, members in groups
        ],
        right=("count",),
    )
    print_text(
        f"\n{count_states(found)}. `adatom jobs show ID` shows one; `adatom jobs retry FLOW` runs what failed or was "
        "lost again."
    )


def _by_cause(jobs: list[JobRecord]) -> list[tuple[str, str, list[JobRecord]]]:
    groups: dict[tuple[str, str], list[JobRecord]] = {}
    for job in jobs:
        # All skipped jobs are one group: the jobs that they needed have rows of their own.
        alike = "" if job.state == "skipped" else re.sub(r"[^\s,;()]*\d[^\s,;()]*", "…", " ".join(job.cause.split()))
        groups.setdefault((job.state, alike), []).append(job)
    found = []
    for (state, alike), members in groups.items():
        causes = {" ".join(job.cause.split()) for job in members}
        found.append((state, causes.pop() if len(causes) == 1 else alike or "needs a job that failed", members))
    return found
