"""``adatom jobs show``."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Annotated, Any

import typer

from adatom.cli.jobs.selection import Json, all_jobs, find_job, plain
from adatom.cli.quantities import show_time
from adatom.cli.tables import print_json, print_text
from adatom.journal.jobs import JobRecord

__all__ = ["show"]

_LINES = 20  # lines at the end of the log that are shown
_TIMES = ("submitted", "start", "end")


def show(
    job: Annotated[
        list[str], typer.Argument(metavar="ID|DIRECTORY...", help="The id of a job or its beginning, or a directory.")
    ],
    as_json: Json = False,
) -> None:
    """Show all that is known of jobs, why they failed, and the end of their logs."""
    jobs = all_jobs()
    found = [find_job(jobs, word) for word in job]
    shown = [plain(job) for job in found]
    if as_json:
        print_json(shown)
        return
    for number, (record, values) in enumerate(zip(found, shown, strict=True)):
        if number:
            print_text("")
        width = max(map(len, values))
        print_text("\n".join(f"{key:{width}}  {_text(key, value)}".rstrip() for key, value in values.items()))
        if source := _computed_by(record, jobs):
            print_text(f"\nIts result is that of {source.id}{f': {source.path}' if source.path else '.'}")
        _print_file("error.txt", _lines(record.path, "error.txt"))
        _print_file("job.log", _lines(record.path, "job.log"), _LINES)


def _print_file(name: str, lines: list[str], most: int | None = None) -> None:
    """Print the name of a file and its lines, or the last ones of them; print nothing for a file without lines."""
    if not lines:
        return
    cut = most is not None and len(lines) > most
    title = f"{name}, the last {most} of {len(lines)} lines" if cut else name
    shown = lines[-most:] if cut and most else lines
    print_text("\n".join(["", title, *(f"  {line}" for line in shown)]))


def _computed_by(job: JobRecord, jobs: list[JobRecord]) -> JobRecord | None:
    """Return the job that computed the result of a cached one, or None if the journal does not have it."""
    if job.state != "cached":
        return None
    before = (other for other in reversed(jobs) if other.state == "done" and other.key == job.key)
    return next((other for other in before if (other.end or 0) <= (job.end or 0)), None)


def _text(key: str, value: Any) -> str:
    if value is None:
        return ""
    return show_time(value) if key in _TIMES else str(value)


def _lines(directory: Path | None, name: str) -> list[str]:
    if directory is None:
        return []
    try:
        try:
            data = (directory / name).read_bytes()
        except FileNotFoundError:  # the files of a finished run may be compressed
            data = gzip.decompress((directory / f"{name}.gz").read_bytes())
    except OSError:
        return []
    return data.decode(errors="replace").splitlines()
