"""A batch job that has ended, as its scheduler and its script say."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from adatom.errors import BatchJobError
from adatom.machines.outcome import Outcome, State
from adatom.machines.record import Record

__all__ = ["BatchResult", "conclude"]

_LATE = 10.0  # seconds that the end mark may need to be seen here, on a network file system
_TAIL = 20  # lines of the errors that an error shows


@dataclass(frozen=True)
class BatchResult:
    """A batch job that has ended.

    Attributes
    ----------
    id
        As the scheduler calls it.
    name
        Of the job and its files.
    outcome
        What became of it, and its figures.
    script, stdout, stderr
        The files.
    """

    id: str
    name: str
    outcome: Outcome
    script: Path
    stdout: Path
    stderr: Path

    @property
    def ok(self) -> bool:
        """Whether it succeeded: its scheduler says so, its exit status is 0, and it has written its end mark."""
        return self.outcome.ok


def conclude(record: Record, outcome: Outcome, check: bool) -> BatchResult:
    """Compare what the scheduler says of a job's end with what its script says, and tell it.

    Parameters
    ----------
    record
        The job.
    outcome
        What the scheduler says.
    check
        Whether anything but success is an error.

    Raises
    ------
    BatchJobError
        It did not succeed.
    SchedulerError
        Its files cannot be copied here.
    """
    record.fetch()
    result = BatchResult(record.id, record.name, _checked(record, outcome), record.script, record.stdout, record.stderr)
    record.forget()
    record.tidy()
    if check and not result.ok:
        raise BatchJobError(_message(result), result)
    return result


def _checked(record: Record, outcome: Outcome) -> Outcome:
    """The outcome, in the light of the end mark."""
    mark = record.end_mark
    if outcome.state not in (State.SUCCEEDED, State.LOST):
        return outcome
    late = time.monotonic() + _LATE
    while not mark.exists() and outcome.state is State.SUCCEEDED and time.monotonic() < late:
        time.sleep(0.2)
        record.fetch()
    status = int(mark.read_text()) if mark.exists() else None
    if outcome.state is State.LOST:  # the scheduler has forgotten it, and its script has not
        if status is None:
            return outcome
        return replace(outcome, state=State.FAILED if status else State.SUCCEEDED, exit_code=status)
    if status is None:
        return replace(outcome, state=State.FAILED, cause="the script did not come to its end")
    return outcome if status == 0 else replace(outcome, state=State.FAILED, exit_code=status)


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
