"""Jobs of the journal, chosen by the options and arguments of commands."""

from __future__ import annotations

import math
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from adatom.cli.quantities import parse_age
from adatom.errors import InputError, UnknownNameError
from adatom.journal.jobs import STATES, JobRecord, read_jobs
from adatom.journal.journal import JOURNAL
from adatom.settings import get_settings

__all__ = [
    "Flow",
    "Json",
    "Label",
    "NewerThan",
    "OlderThan",
    "Recipe",
    "all_jobs",
    "by_id_and_key",
    "count_states",
    "find_job",
    "job_id",
    "latest",
    "plain",
    "read_states",
    "select",
]

# Options that several commands share.
Flow = Annotated[
    str | None,
    typer.Option("--flow", metavar="FLOW", help="Of this flow: its name, or how the name of a run begins or ends."),
]
Label = Annotated[str | None, typer.Option("--label", metavar="TEXT", help="Of runs with this label.")]
Recipe = Annotated[
    str | None, typer.Option("--recipe", metavar="RECIPE", help="Of this recipe: relax_job, or MODULE:FUNCTION.")
]
NewerThan = Annotated[
    float | None,
    typer.Option("--newer-than", metavar="AGE", parser=parse_age, help="Ended, or else started, since: 90m, 2h, 3d."),
]
OlderThan = Annotated[
    float | None,
    typer.Option("--older-than", metavar="AGE", parser=parse_age, help="Ended, or else started, before: 90m, 2h, 3d."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")]

_ID = re.compile(r"-([0-9a-f]{12})(?:-try\d+|-again)*$")

_LEAST = 6  # characters of the beginning or end of a name; fewer would find jobs that the user does not mean


def all_jobs() -> list[JobRecord]:
    """Return the jobs in the journal of ``results_dir``, oldest first.

    Raises
    ------
    InputError
        No journal is in ``results_dir``.
    """
    directory = get_settings().results_dir
    if not (directory / JOURNAL).is_dir():
        raise InputError(
            f"There is no journal in {directory}: no job was run with this results_dir. Go to where you ran yours, or "
            "set ADATOM_RESULTS_DIR."
        )
    return read_jobs(directory)


def read_states(text: str, valid: Sequence[str] = STATES) -> frozenset[str]:
    """Return the states of jobs in a text.

    Parameters
    ----------
    text
        Names of states with commas between them, such as ``failed,lost``.
    valid
        Names of states that are allowed.

    Raises
    ------
    UnknownNameError
        The text names a state that is not allowed.
    """
    states = [state.strip() for state in text.split(",")]
    for state in states:
        if state not in valid:
            raise UnknownNameError("--state", state, valid)
    return frozenset(states)


def select(
    jobs: Iterable[JobRecord],
    *,
    flow: str | None = None,
    label: str | None = None,
    recipe: str | None = None,
    states: Collection[str] | None = None,
    newer_than: float | None = None,
    older_than: float | None = None,
) -> list[JobRecord]:
    """Return the jobs that fulfil all conditions; None stands for no condition.

    Parameters
    ----------
    jobs
        Jobs to choose from, which keep their order.
    flow
        Name of the flow, six or more characters of the beginning or end of a run's name, or the directory of a run.
    label
        Label of the run, as in the journal.
    recipe
        Recipe of the job as in the journal, or a shorter form of it, down to the name of the function.
    states
        States of which the job has one.
    newer_than, older_than
        Bounds in s of the time since the job ended or, if it has not ended, since it was started.

    Raises
    ------
    UnknownNameError
        No job has that flow, label or recipe.
    """
    found = list(jobs)
    for what, name in (("flow", flow), ("label", label), ("recipe", recipe)):
        if name is not None:
            found = _with_name(found, what, name)
    now = time.time()
    least = -math.inf if older_than is None else older_than
    most = math.inf if newer_than is None else newer_than
    return [job for job in found if (states is None or job.state in states) and least < now - _when(job) <= most]


def by_id_and_key(jobs: Iterable[JobRecord]) -> dict[str, JobRecord]:
    """Return all jobs by their ids, and those with a result also by their keys.

    Parameters
    ----------
    jobs
        Jobs in the order of the journal; the last one with a key counts.
    """
    jobs = list(jobs)
    with_result = {job.key: job for job in jobs if job.key and job.state in ("done", "cached")}
    return with_result | {job.id: job for job in jobs}


def latest(job: JobRecord, known: Mapping[str, JobRecord]) -> JobRecord:
    """Return the last retry of a job, or a job with the same key that has a result.

    The latter exists if the user's script was run again.

    Parameters
    ----------
    job
        Job of the journal that may have been retried.
    known
        All jobs, as `by_id_and_key` returns them.
    """
    passed = set()
    while job.retried in known and job.id not in passed:
        passed.add(job.id)
        job = known[job.retried]
    return known.get(job.key, job) if job.key else job


def find_job(jobs: Iterable[JobRecord], word: str) -> JobRecord:
    """Return the job that a word of the command line means.

    Parameters
    ----------
    jobs
        Jobs to choose from.
    word
        Id of the job, six or more characters of the beginning of its id, its directory, or a directory in that.

    Raises
    ------
    InputError
        The word means no job, or more than one.
    """
    known = {job.id: job for job in jobs}
    if word in known:
        return known[word]
    begun = [id for id in known if id.startswith(word)] if len(word) >= _LEAST else []
    if len(begun) == 1:
        return known[begun[0]]
    if begun:
        raise InputError(f"{word!r} is the beginning of {len(begun)} ids: {', '.join(begun[:5])}. Give more of it.")
    path = Path(word).absolute()
    for directory in (path, *path.parents):
        if job_id(directory.name) in known:
            return known[job_id(directory.name)]
    raise InputError(
        f"No job {word!r} is in the journal of {get_settings().results_dir}. Valid: an id that `adatom jobs list` "
        "shows, or the directory of a job."
    )


def job_id(name: str) -> str:
    """Return the id of the job that a directory belongs to, or an empty string if it belongs to none.

    Parameters
    ----------
    name
        Name of the directory, without its parents.
    """
    match = _ID.search(name)
    return match[1] if match else ""


def count_states(jobs: Iterable[JobRecord]) -> str:
    """Format the numbers of jobs by state, such as ``"3 done, 1 failed"``.

    Parameters
    ----------
    jobs
        Jobs to be counted.
    """
    counts = Counter(job.state for job in jobs)
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])


def plain(job: JobRecord) -> dict[str, Any]:
    """Return a job as plain data for ``--json``.

    Parameters
    ----------
    job
        Job of the journal.
    """
    return {**asdict(job), "path": None if job.path is None else str(job.path)}


def _with_name(jobs: Sequence[JobRecord], what: str, name: str) -> list[JobRecord]:
    """Return the jobs whose flow, label or recipe has the given name."""
    fits = _FITS[what](name)
    found = [job for job in jobs if fits(job)]
    if not found:
        valid = {getattr(job, what) for job in jobs} - {"", None}
        raise UnknownNameError(what, name, valid, _HINTS.get(what, ""))
    return found


def _in_flow(name: str) -> Callable[[JobRecord], bool]:
    run = name.rstrip(os.sep).rpartition(os.sep)[2]
    return lambda job: bool(job.run) and (job.flow == run or _begins_or_ends(job.run, run))


def _with_label(label: str) -> Callable[[JobRecord], bool]:
    return lambda job: bool(job.label) and job.label == label


def _of_recipe(recipe: str) -> Callable[[JobRecord], bool]:
    return lambda job: recipe in _names(job)


#: By attribute of a job, the condition that a name means, and the next step where no job fulfils it.
_FITS = {"flow": _in_flow, "label": _with_label, "recipe": _of_recipe}
_HINTS = {"flow": f"The name of a run directory is valid too, or {_LEAST} characters of its beginning or end."}


def _begins_or_ends(name: str, part: str) -> bool:
    return len(part) >= _LEAST and (name.startswith(part) or name.endswith(part))


def _when(job: JobRecord) -> float:
    return job.end or job.start or job.submitted or 0.0


def _names(job: JobRecord) -> set[str]:
    """Return the names of a job's recipe: ``relax_job``, ``emt.relax_job``, ``emt.core.relax_job`` and the whole."""
    if not job.recipe:  # the job was skipped or waits, so only its name is known
        return {job.name}
    module, _, function = job.recipe.partition(":")
    function = function.rpartition(".")[2]
    within = module.removeprefix("adatom.recipes.")
    return {job.recipe, function, f"{within}.{function}", f"{within.partition('.')[0]}.{function}"}
