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

_LINES = 20  # of its log
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
        for name in ("error.txt", "job.log"):
            lines = _lines(record.path, name)
            if lines:
                cut = (
                    "" if name == "error.txt" or len(lines) <= _LINES else f", the last {_LINES} of {len(lines)} lines"
                )
                print_text(
                    "\n".join(["", f"{name}{cut}", *(f"  {line}" for line in (lines[-_LINES:] if cut else lines))])
                )


def _computed_by(job: JobRecord, jobs: list[JobRecord]) -> JobRecord | None:
    """The last job before a cached one that computed its result; None if another project's did."""
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
        except FileNotFoundError:  # a finished run may be compressed
            data = gzip.decompress((directory / f"{name}.gz").read_bytes())
    except OSError:
        return []
    return data.decode(errors="replace").splitlines()
