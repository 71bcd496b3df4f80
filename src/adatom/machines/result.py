"""Batch job that has ended, with an outcome that its scheduler and its script agree on."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from adatom.errors import BatchJobError
from adatom.machines.outcome import Outcome, State
from adatom.machines.record import Record

__all__ = ["BatchResult", "conclude"]

_LATE = 10.0  # seconds until the end mark is visible here, on a network file system
_TAIL = 20  # last lines of the standard error in a message


@dataclass(frozen=True)
class BatchResult:
    """Batch job that has ended.

    Attributes
    ----------
    id
        Identifier that the scheduler gave the job.
    name
        Name of the job, with which its files begin.
    outcome
        State of the job and its figures.
    script, stdout, stderr
        Paths of the script and of the files with the output and the errors of the program.
    """

    id: str
    name: str
    outcome: Outcome
    script: Path
    stdout: Path
    stderr: Path

    @property
    def ok(self) -> bool:
        """Return whether the job succeeded: the scheduler names no failure, and the end mark holds exit status 0."""
        return self.outcome.ok


def conclude(record: Record, outcome: Outcome, check: bool) -> BatchResult:
    """Return a job that has ended, and remove its record. The end mark can correct the outcome.

    Parameters
    ----------
    record
        Record of the job that has ended.
    outcome
        Outcome that the scheduler gives.
    check
        Whether to raise an error unless the job succeeded.

    Raises
    ------
    BatchJobError
        The job did not succeed, and `check` is set.
    SchedulerError
        The files of the job cannot be copied here.
    """
    record.fetch()
    result = BatchResult(record.id, record.name, _checked(record, outcome), record.script, record.stdout, record.stderr)
    record.forget()
    record.tidy()
    if check and not result.ok:
        raise BatchJobError(_message(result), result)
    return result


def _checked(record: Record, outcome: Outcome) -> Outcome:
    """Return the outcome, corrected by the end mark."""
    if outcome.state is State.LOST:  # the scheduler has forgotten the job, and the end mark may tell its end
        status = _status(record)
        if status is None:
            return outcome
        return replace(outcome, state=State.FAILED if status else State.SUCCEEDED, exit_code=status)
    if outcome.state is State.SUCCEEDED:
        _wait_for_mark(record)
        status = _status(record)
        if status is None:
            return replace(outcome, state=State.FAILED, cause="the script did not come to its end")
        return outcome if status == 0 else replace(outcome, state=State.FAILED, exit_code=status)
    return outcome


def _wait_for_mark(record: Record) -> None:
    late = time.monotonic() + _LATE
    while not record.end_mark.exists() and time.monotonic() < late:
        time.sleep(0.2)
        record.fetch()


def _status(record: Record) -> int | None:
    return int(record.end_mark.read_text()) if record.end_mark.exists() else None


def _message(result: BatchResult) -> str:
    said = {key: value for key, value in asdict(result.outcome).items() if value not in (None, "", 0)}
    said.pop("state")
    figures = ", ".join(f"{key} {value}" for key, value in said.items())
    try:
        tail = result.stderr.read_text(errors="replace").splitlines()[-_TAIL:]
    except OSError:
        tail = []
    first = f"The batch job {result.id} ({result.name}): {result.outcome.state}"
    return "\n".join([f"{first} ({figures})." if figures else f"{first}.", f"Its files: {result.script.parent}", *tail])
