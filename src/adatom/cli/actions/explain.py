"""Body of ``adatom jobs explain``."""

from __future__ import annotations

import re
from dataclasses import asdict

from adatom.cache.entry import Entry
from adatom.cache.explain import Explanation
from adatom.cache.store import open_store
from adatom.cli.jobs.selection import all_jobs, find_job
from adatom.cli.quantities import show_time
from adatom.cli.tables import print_json, print_text
from adatom.errors import AdatomError, InputError
from adatom.journal.jobs import JobRecord
from adatom.settings import get_settings
from adatom.workflow import explain
from adatom.workflow.retry import load_call

__all__ = ["explain_job"]

_KEY = re.compile("[0-9a-f]{32}")


def explain_job(what: str, as_json: bool) -> None:
    """Print the state of a job in the cache.

    Parameters
    ----------
    what
        Key of a result, id of a job or its beginning, or the directory of a job.
    as_json
        True prints JSON in place of text.

    Raises
    ------
    InputError
        There is no such key or job, or the job has no key.
    """
    job, found = _found(what)
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


def _found(what: str) -> tuple[JobRecord | None, Explanation]:
    """Return the job, or None for a key under which a result is stored, and the explanation."""
    is_key = _KEY.fullmatch(what) is not None
    if is_key and open_store().entry(what) is not None:
        return None, _of_key(what, "")
    job = _with_key(what) if is_key else find_job(all_jobs(), what)
    return job, _of_job(job)


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
    """Explain the call of a job, or its recorded key if its inputs are not kept."""
    try:
        function, args, kwargs = load_call(job)
    except AdatomError as error:
        if not job.key:
            raise InputError(f"{error} It was run without the cache, so it has no key either.") from error
        return _of_key(job.key, job.recipe)
    try:
        return explain(function, *args, **kwargs)
    except TypeError as error:
        raise InputError(f"{job.name} ({job.id}) has no key: {error}") from error


def _of_key(key: str, recipe: str) -> Explanation:
    entry = open_store().entry(key)
    if entry:
        return Explanation(True, key, entry.recipe, "The result is stored.")
    why = "Nothing is stored under the key that the job had. What differs is not known, as its inputs are not kept."
    return Explanation(False, key, recipe, why)


def _text(entry: Entry) -> str:
    width = max(map(len, entry.parts))
    parts = [f"  {name:{width}}  {text}" for name, text in sorted(entry.parts.items())]
    return "\n".join([f"  Stored {show_time(entry.created)}; the key is made of:", *parts])
