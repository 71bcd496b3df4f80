"""Body of ``adatom jobs retry``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import adatom.recipes  # noqa: F401  # sets the names of jobs by structure, as in the first run
from adatom.cli.jobs.selection import all_jobs, by_id_and_key, find_job, latest, select
from adatom.cli.parameters import read_changes
from adatom.cli.progress import progress
from adatom.cli.report import report
from adatom.cli.save import results_file
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_text
from adatom.errors import InputError, UnknownNameError
from adatom.execution.registry import engine_class
from adatom.journal.jobs import JobRecord
from adatom.settings import get_settings
from adatom.utils.nested import collect
from adatom.workflow import Failure
from adatom.workflow.retry import load_call
from adatom.workflow.retry import retry as run_again

__all__ = ["retry_jobs"]

_AGAIN = ("failed", "lost")
_REASONS = {
    "skipped": "skipped, so their inputs never existed. Run your script again to have them done.",
    "inputs_unknown": "their inputs are not kept. Run your script again to have them done.",
    "running": "they run.",
    "pending": "they wait.",
}


def retry_jobs(words: list[str], assignments: list[str], out: Path | None, as_json: bool) -> None:
    """Run failed and lost jobs again, save their results and print them.

    Parameters
    ----------
    words
        Names of flows or of run directories, and ids or directories of jobs; empty: the only run with jobs to retry.
    assignments
        Other values for parameters of the jobs, as ``KEY=VALUE``.
    out
        Path of the file of results; None: a file of a new name in ``results_dir``.
    as_json
        True prints JSON in place of tables.

    Raises
    ------
    AdatomError
        The input is bad, or the results cannot be written.
    Exit
        Status 1, because a job failed again or the results could not be saved.
    """
    engine_class(get_settings().workflow_engine)
    jobs = all_jobs()
    again, left_out = _sorted_out(_chosen(jobs, words), jobs)
    for reason, count in left_out.items():
        say(f"{count} left out: {_REASONS[reason]}", err=True)
    if not again:
        print_json({"jobs": [], "left_out": left_out}) if as_json else print_text("No job is to be run again.")
        return
    changes = read_changes([load_call(job)[0] for job in again], assignments)
    file = results_file("retry", out)
    with progress("retry", get_settings().progress):
        value = run_again(again, **changes)
    about = {"jobs": [job.id for job in again], "left_out": left_out, "engine": get_settings().workflow_engine}
    report(value, collect(value, Failure), file, as_json, **about)


def _chosen(jobs: Sequence[JobRecord], words: Sequence[str]) -> list[JobRecord]:
    if not words:
        return _of_the_only_run(jobs)
    found: dict[str, JobRecord] = {}
    for word in words:
        try:
            chosen = select(jobs, flow=word)
        except UnknownNameError as no_flow:
            try:
                chosen = [find_job(jobs, word)]
            except InputError as no_job:
                raise InputError(f"{no_flow} And as a job: {no_job}") from None
        found |= {job.id: job for job in chosen}
    return list(found.values())


def _of_the_only_run(jobs: Sequence[JobRecord]) -> list[JobRecord]:
    known = by_id_and_key(jobs)
    troubled = [job for job in jobs if job.run and job.state in _AGAIN and job.retried not in known]
    runs = Counter(job.run for job in troubled if latest(job, known) is job)
    if len(runs) > 1:
        listed = ", ".join(f"{run} ({count})" for run, count in runs.most_common(5))
        raise InputError(f"Jobs of {len(runs)} runs failed or were lost. Say which to run again: {listed}.")
    return [job for job in jobs if job.run in runs]


def _sorted_out(chosen: Sequence[JobRecord], jobs: Sequence[JobRecord]) -> tuple[list[JobRecord], dict[str, int]]:
    """Return the jobs that can run again, and the numbers of the others by reason."""
    known = by_id_and_key(jobs)
    again: dict[str, JobRecord] = {}
    left_out: dict[str, set[str]] = {reason: set() for reason in _REASONS}
    for job in chosen:
        now = latest(job, known)
        if now.state in _AGAIN:
            with_inputs = now if now.call else job  # engines that build a graph first keep no inputs of retries
            if with_inputs.call:
                again[now.id] = with_inputs
            else:
                left_out["inputs_unknown"].add(now.id)
        elif now.state in left_out:
            left_out[now.state].add(now.id)
    return list(again.values()), {reason: len(ids) for reason, ids in left_out.items() if ids}
