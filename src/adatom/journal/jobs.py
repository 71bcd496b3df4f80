"""What the journals say of jobs, put together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from adatom.journal.journal import JOURNAL
from adatom.utils.processes import Process

__all__ = ["STATES", "JobRecord", "longest", "read_jobs"]

STATES = ("pending", "running", "done", "cached", "failed", "skipped", "lost")
_Line = tuple[float, dict[str, Any], Process]
_ENDS = frozenset({"done", "cached", "failed", "skipped"})


@dataclass(frozen=True)
class JobRecord:
    """One job.

    Attributes
    ----------
    id
        Twelve characters, at the end of its directory's name too.
    run
        The name of the directory of the outermost flow that it belongs to; empty if no flow called it.
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
    found: dict[str, list[_Line]] = {}
    for process, line in _lines(results_dir / JOURNAL):
        found.setdefault(line["id"], []).append((line["time"], line, process))
    is_gone = cache(lambda process: process.is_gone)
    jobs = [_put_together(sorted(lines, key=lambda line: line[0]), is_gone) for lines in found.values()]
    return sorted(jobs, key=lambda job: job.submitted or 0.0)


def longest(results_dir: Path) -> dict[str, float]:
    """How long (s) the longest job of each recipe took that ended well.

    Parameters
    ----------
    results_dir
        Where run directories are kept.
    """
    took: dict[str, float] = {}
    for job in read_jobs(results_dir):
        if job.state == "done" and job.start is not None and job.end is not None:
            took[job.recipe] = max(took.get(job.recipe, 0.0), job.end - job.start)
    return took


def _lines(directory: Path) -> Iterator[tuple[Process, dict[str, Any]]]:
    for file in sorted(directory.glob("*.jsonl")):
        process = Process("", 0, "")
        try:
            texts = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:  # removed meanwhile
            continue
        for text in texts:
            try:
                line = json.loads(text)
                if "process" in line:
                    process = Process(*line["process"])
                elif isinstance(line["id"], str) and isinstance(line["time"], float) and line["state"] in STATES:
                    yield process, line
            except (ValueError, KeyError, TypeError):
                pass  # the last line of a process that was killed, or of a full disk


_COPIED = ("run", "flow", "label", "name", "recipe", "key", "engine", "directory", "call", "retried")


def _put_together(lines: list[_Line], is_gone: Callable[[Process], bool]) -> JobRecord:
    """One job, from what several processes wrote. Clocks of machines differ, so states are told by attempt first."""
    known: dict[str, Any] = {}
    attempts: dict[Process, int] = {}  # the last one that a process spoke of
    of_attempt: dict[int, list[_Line]] = {}
    for time, line, process in lines:
        known |= {key: line[key] for key in _COPIED if line.get(key)}
        attempts[process] = line.get("attempt", attempts.get(process, 0))
        of_attempt.setdefault(attempts[process], []).append((time, line, process))
    attempt = max(of_attempt)
    last = of_attempt[attempt]
    starts = [(time, process) for time, line, process in lines if line["state"] == "running"]
    ends = [(time, line) for time, line, _ in last if line["state"] in _ENDS]
    running = [process for _, line, process in last if line["state"] == "running"]
    caller, owner = lines[0][2], (running or [process for _, _, process in lines])[-1 if running else 0]
    state, cause, end = "running" if running else "pending", "", None
    if ends:
        state, cause = ends[-1][1]["state"], ends[-1][1].get("cause", "")
        if state == "failed":  # the process that it ran in knows why; to one that was interrupted it is just that
            why = [line.get("cause", "") for _, line, process in last if line["state"] == state and process == owner]
            cause = why[-1] if why else cause
        end = min(time for time, _ in ends)  # others repeat it
    elif is_gone(owner) and not (caller != owner and caller.is_here and not is_gone(caller)):
        # Of a worker that dies while the process that called the job lives, that process will tell.
        state, cause = "lost", f"process {owner.pid} on {owner.host} is gone"
    return JobRecord(
        lines[0][1]["id"],
        **known,
        state=state,
        host=owner.host,
        pid=owner.pid,
        submitted=lines[0][0],
        start=min((time for time, _ in starts), default=None),
        end=end,
        attempt=attempt,
        cause=cause,
    )
