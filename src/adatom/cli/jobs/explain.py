"""``adatom jobs explain``."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from adatom.cli.jobs.selection import Json, all_jobs, find_job
from adatom.errors import AdatomError, InputError
from adatom.journal.jobs import JobRecord
from adatom.settings import get_settings
from adatom.workflow.retry import load_call

if TYPE_CHECKING:
    from adatom.cache.entry import Entry
    from adatom.cache.explain import Explanation

__all__ = ["explain"]

_KEY = re.compile("[0-9a-f]{32}")


def explain(
    what: Annotated[
        str, typer.Argument(metavar="KEY|ID|DIRECTORY", help="The key of a result, or a job by its id or directory.")
    ],
    as_json: Json = False,
) -> None:
    """Say whether a job would be answered from the cache and, if not, what differs from the nearest result in it."""
    from adatom.cache.store import open_store
    from adatom.cli.tables import print_json, print_text

    is_key = _KEY.fullmatch(what) is not None
    job = None
    if is_key and open_store().entry(what) is not None:
        found = _of_key(what, "")
    else:
        job = _with_key(what) if is_key else find_job(all_jobs(), what)
        found = _of_job(job)
    entry = open_store().entry(found.key) if found.hit else None
    if as_json:
        stored = entry and {"created": entry.created, "codec": entry.codec, "parts": entry.parts}
        print_json({"job": job and job.id, **asdict(found), "stored": stored})
        return
    print_text(str(found))
    if job and job.key and job.key != found.key:
        print_text(f"  When job {job.id} ran, its key was {job.key}.")
    if entry:
        print_text(_text(entry))


def _with_key(key: str) -> JobRecord:
    jobs = [job for job in all_jobs() if job.key == key]
    if not jobs:
        settings = get_settings()
        raise InputError(
            f"Nothing is stored under the key {key} in {settings.cache_dir}, and no job in the journal of "
            f"{settings.results_dir} has it. `adatom jobs list --json` says the key of each job."
        )
    return jobs[-1]


def _of_job(job: JobRecord) -> Explanation:
    """What the job's call would come to now; where its inputs are not kept, what its recorded key does."""
    import adatom

    try:
        function, args, kwargs = load_call(job)
    except AdatomError as error:
        if not job.key:
            raise InputError(f"{error} It was run without the cache, so it has no key either.") from error
        return _of_key(job.key, job.recipe)
    try:
        return adatom.explain(function, *args, **kwargs)
    except TypeError as error:
        raise InputError(f"{job.name} ({job.id}) has no key: {error}") from error


def _of_key(key: str, recipe: str) -> Explanation:
    from adatom.cache.explain import Explanation
    from adatom.cache.store import open_store

    entry = open_store().entry(key)
    if entry:
        return Explanation(True, key, entry.recipe, "The result is stored.")
    why = "Nothing is stored under the key that the job had. What differs is not known, as its inputs are not kept."
    return Explanation(False, key, recipe, why)


def _text(entry: Entry) -> str:
    from adatom.cli.quantities import show_time

    width = max(map(len, entry.parts))
    parts = [f"  {name:{width}}  {text}" for name, text in sorted(entry.parts.items())]
    return "\n".join([f"  Stored {show_time(entry.created)}; the key is made of:", *parts])
