"""Jobs as the journals of all processes record them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from adatom.journal.journal import JOURNAL
from adatom.utils.processes import Process
from adatom.utils.sealed import read_sealed

__all__ = ["STATES", "JobRecord", "longest", "read_jobs"]

STATES = ("pending", "running", "done", "cached", "failed", "skipped", "lost")
_Line = tuple[float, dict[str, Any], Process]
_STARTS = frozenset({"running"})
_ENDS = frozenset({"done", "cached", "failed", "skipped"})


@dataclass(frozen=True)
class JobRecord:
    """Record of one job.

    Attributes
    ----------
    id
        Id of the job: twelve characters, with which the name of its directory ends too.
    run
        Name of the run directory of the outermost flow that called the job; empty if no flow called it.
    flow
        Name of the outermost flow; empty if no flow called the job.
    label
        Option ``label`` of the run; empty if the user gave none.
    name
        Name of the job, as the engine shows it.
    recipe
        Module and name of the function, ``module:name``.
    key
        Digest of the job's key in the cache; empty if the job is not cached.
    engine
        Name of the engine that ran the job.
    state
        One of `STATES`. A ``lost`` job was started or handed to an engine, has no end, and its process is gone.
    host, pid
        Machine and id of the process that ran the job or, before its start, of the process that called it.
    directory
        Final path of the job's directory, which ``running-`` or ``failed-`` may precede and which need not exist;
        empty if it is not known.
    submitted, start, end
        Times of the call, the start and the end, in seconds since the epoch; None before they happen.
    attempt
        Number of attempts before this one, 0 for the first.
    cause
        Reason why the job failed, was skipped or is lost; empty otherwise.
    call
        Place of the job's inputs, for `journal.calls.read_call`; empty if they are not kept.
    retried
        Id of the job that ran in place of this one later; empty if there is none.
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
        """Return the job's directory under its present name; None if it has no directory."""
        final = Path(f"{self.directory}-try{self.attempt + 1}" if self.attempt else self.directory)
        names = (final.name, f"failed-{final.name}", f"running-{final.name}") if self.directory else ()
        return next((final.with_name(name) for name in names if final.with_name(name).is_dir()), None)


def read_jobs(results_dir: Path) -> list[JobRecord]:
    """Return all jobs in the journals of a directory, in the order of their calls.

    Parameters
    ----------
    results_dir
        Directory of the run directories, in which the journals are.
    """
    found: dict[str, list[_Line]] = {}
    for process, line in _lines(results_dir / JOURNAL):
        found.setdefault(line["id"], []).append((line["time"], line, process))
    is_gone = cache(lambda process: process.is_gone)
    jobs = [_put_together(sorted(lines, key=lambda line: line[0]), is_gone) for lines in found.values()]
    return sorted(jobs, key=lambda job: job.submitted or 0.0)


def longest(results_dir: Path) -> dict[str, float]:
    """Return the longest duration (s) of a job of each recipe, of those that ended well.

    Parameters
    ----------
    results_dir
        Directory of the run directories, in which the journals are.
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
            texts = file.read_bytes().splitlines()
        except OSError:  # such as a file that was removed just now
            continue
        damaged = 0
        for text in texts:
            try:
                line = read_sealed(text)
                if "process" in line:
                    process = Process(*line["process"])
                elif isinstance(line["id"], str) and isinstance(line["time"], float) and line["state"] in STATES:
                    yield process, line
            except (ValueError, KeyError, TypeError):
                damaged += text is not texts[-1]  # the last may be one of a process that was killed, or on a full disk
        if damaged:
            warnings.warn(f"{damaged} damaged lines of {file} are left out.", stacklevel=2)


_COPIED = ("run", "flow", "label", "name", "recipe", "key", "engine", "directory", "call", "retried")


def _put_together(lines: list[_Line], is_gone: Callable[[Process], bool]) -> JobRecord:
    """Return one job from lines of several processes, whose clocks differ: attempts order them better than times."""
    known: dict[str, Any] = {}
    for _, line, _ in lines:
        known |= {key: line[key] for key in _COPIED if line.get(key)}
    attempt, last = _last_attempt(lines)
    submitted, first, caller = lines[0]
    running = _in_state(last, _STARTS)
    owner = running[-1][2] if running else caller
    ends = _in_state(last, _ENDS)
    if ends:
        state, cause = ends[-1][1]["state"], _cause(ends, owner)
    elif _is_lost(owner, caller, is_gone):
        state, cause = "lost", f"process {owner.pid} on {owner.host} is gone"
    else:
        state, cause = "running" if running else "pending", ""
    return JobRecord(
        first["id"],
        **known,
        state=state,
        host=owner.host,
        pid=owner.pid,
        submitted=submitted,
        start=_earliest(_in_state(lines, _STARTS)),
        end=_earliest(ends),  # later lines repeat the end
        attempt=attempt,
        cause=cause,
    )


def _last_attempt(lines: list[_Line]) -> tuple[int, list[_Line]]:
    """Return the number of the last attempt, and its lines."""
    named: dict[Process, int] = {}  # last attempt that each process named
    of_attempt: dict[int, list[_Line]] = {}
    for line in lines:
        _, content, process = line
        named[process] = content.get("attempt", named.get(process, 0))
        of_attempt.setdefault(named[process], []).append(line)
    last = max(of_attempt)
    return last, of_attempt[last]


def _in_state(lines: list[_Line], states: frozenset[str]) -> list[_Line]:
    return [line for line in lines if line[1]["state"] in states]


def _earliest(lines: list[_Line]) -> float | None:
    return min((time for time, _, _ in lines), default=None)


def _is_lost(owner: Process, caller: Process, is_gone: Callable[[Process], bool]) -> bool:
    if not is_gone(owner):
        return False
    # While the process that called the job lives, it will record the death of the worker itself.
    return caller == owner or not caller.is_here or is_gone(caller)


def _cause(ends: list[_Line], owner: Process) -> str:
    """Return the cause that the last of several ends gives."""
    _, last, _ = ends[-1]
    if last["state"] == "failed":
        # Only the process that ran the job knows why it failed; its caller may just have been interrupted.
        own = [line for _, line, process in ends if line["state"] == "failed" and process == owner]
        last = own[-1] if own else last
    cause: str = last.get("cause", "")
    return cause
