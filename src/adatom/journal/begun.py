"""The jobs that a worker was at when it died, by the journals."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from adatom.utils.sealed import read_sealed

__all__ = ["begun_jobs"]

_ID = slice(8, 20)  # of a line that `Journal.record` wrote


def begun_jobs(directory: str, jobs: Collection[str], since: float = 0.0) -> dict[str, int]:
    """Return the jobs of which some process has written that it began them, and none that they ended.

    Parameters
    ----------
    directory
        Directory of the journals.
    jobs
        Ids of the jobs to look for.
    since
        Time, in seconds since the epoch, before which none of the jobs was begun.

    Returns
    -------
    dict
        Number of the attempt that was begun, from 0, by id of the job.
    """
    wanted = {job.encode() for job in jobs}
    begun: dict[str, int] = {}
    ended: set[tuple[str, int]] = set()
    for file in Path(directory).glob("*.jsonl"):
        try:
            if os.stat(file).st_mtime < since - 60:  # clocks of file servers differ
                continue
            lines = file.read_bytes().splitlines()
        except OSError:  # removed meanwhile
            continue
        for line in lines:
            if line[_ID] in wanted:
                try:
                    known = read_sealed(line)
                except ValueError:  # the last line of a process that was killed, or a damaged one
                    continue
                job, state, attempt = known["id"], known["state"], known.get("attempt", 0)
                if state == "running":
                    begun[job] = max(attempt, begun.get(job, 0))
                elif state not in ("pending", "running"):
                    ended.add((job, attempt))
    return {job: attempt for job, attempt in begun.items() if (job, attempt) not in ended}
