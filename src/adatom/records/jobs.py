"""What the journals say of jobs, put together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adatom.processes import Process
from adatom.records.journal import JOURNAL

__all__ = ["STATES", "JobRecord", "read_jobs"]

STATES = ("pending", "running", "done", "cached", "failed", "skipped", "lost")
_ENDS = frozenset({"done", "cached", "failed", "skipped"})


@dataclass(frozen=True)
class JobRecord:
    """One job.

    Attributes
    ----------
    id
        Twelve characters, at the end of its directory's name too.
    run
        The outermost flow that it belongs to; its own id if no flow called it.
    flow
        The name of that flow; empty if there is none.
    label
        What the user called the run.
    name
        As the engine shows it.
    recipe
        Module and name of the function.
    key
        Of the cache; empty if there is none.
    engine
        Who ran it.
    state
        One of `STATES`. ``lost``: it was started or handed to an engine, has no end, and its process is gone.
    host, pid
        Where it ran or, before that, where it was called.
    directory
        Its files, if it has any; their directory may be called ``running-`` or ``failed-`` so.
    submitted, start, end
        Seconds since the epoch; None before it happens.
    attempt
        How many times it was tried before.
    cause
        Why it failed, was skipped or is lost.
    call
        Where its inputs stand; empty if they are not kept.
    retried
        The id of the job that ran in its place later; empty if none did.
    """

    id: str
    run: str = ""
    flow: str = ""
    label: str = ""
    name: str = ""
    recipe: str = ""
    key: str = ""
    engine: str = ""
    state: str = "pending"
    host: str = ""
    pid: int = 0
    directory: str = ""
    submitted: float | None = None
    start: float | None = None
    end: float | None = None
    attempt: int = 0
    cause: str = ""
    call: str = ""
    retried: str = ""

    @property
    def path(self) -> Path | None:
        """Its directory under the name that it has now; None if there is none."""
        final = Path(f"{self.directory}-try{self.attempt + 1}" if self.attempt else self.directory)
        names = (final.name, f"failed-{final.name}", f"running-{final.name}") if self.directory else ()
        return next((final.with_name(name) for name in names if final.with_name(name).is_dir()), None)


def read_jobs(results_dir: Path) -> list[JobRecord]:
    """All jobs of which the journals in a directory tell, in the order in which they were called.

    Parameters
    ----------
    results_dir
        Where run directories are kept.
    """
    found: dict[str, list[tuple[float, dict[str, Any], Process]]] = {}
    for process, line in _lines(results_dir / JOURNAL):
        found.setdefault(line["id"], []).append((line["time"], line, process))
    gone: dict[Process, bool] = {}
    jobs = [_put_together(sorted(lines, key=lambda line: line[0]), gone) for lines in found.values()]
    return sorted(jobs, key=lambda job: job.submitted or 0.0)


def _lines(directory: Path) -> Iterator[tuple[Process, dict[str, Any]]]:
    for file in sorted(directory.glob("*.jsonl")):
        process = Process("", 0, "")
        for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
                if "process" in line:
                    process = Process(*line["process"])
                elif isinstance(line["id"], str) and isinstance(line["time"], float) and line["state"] in STATES:
                    yield process, line
            except (ValueError, KeyError, TypeError):
                pass  # the last line of a process that was killed, or of a full disk


_COPIED = ("run", "flow", "label", "name", "recipe", "key", "engine", "directory", "attempt", "call", "retried")


def _put_together(lines: list[tuple[float, dict[str, Any], Process]], gone: dict[Process, bool]) -> JobRecord:
    job = JobRecord(lines[0][1]["id"], submitted=lines[0][0])
    tried = -1
    owner: Process | None = None
    for time, line, process in lines:
        job = replace(job, **{key: line[key] for key in _COPIED if key in line})
        state = line["state"]
        if state == "running":
            tried = max(tried, line.get("attempt", 0))
            owner = process
            job = replace(job, state=state, start=time if job.start is None else job.start, end=None)
        elif state in _ENDS:
            # A job that is retried has ended before, unless it was lost.
            ended = job.end if job.end and "retried" in line else time
            job = replace(job, state=state, end=ended, cause=line.get("cause", ""))
        elif job.state == "pending":
            owner = owner or process
        if state == "running" or owner is process:
            job = replace(job, host=process.host, pid=process.pid)
    if job.state not in _ENDS and owner is not None:
        if owner not in gone:
            gone[owner] = owner.is_gone
        if gone[owner]:
            job = replace(job, state="lost", cause=f"process {owner.pid} on {owner.host} is gone")
    return job
