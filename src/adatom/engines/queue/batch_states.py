"""State of the batch jobs of the queue engine, for people."""

from __future__ import annotations

from typing import NamedTuple

from adatom.engines.queue.batch import submitted
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.state import host_name
from adatom.errors import SchedulerError
from adatom.machines.outcome import Outcome, State
from adatom.machines.record import Record, read_records

__all__ = ["BatchJobState", "batch_job_states"]

_UNKNOWN = "unknown"


class BatchJobState(NamedTuple):
    """Batch job of the queue engine.

    Attributes
    ----------
    id
        Identifier that the scheduler gave it.
    state
        One of `adatom.machines.State`, or ``"unknown"`` if the scheduler does not answer.
    queue
        Name of the directory of its tasks.
    submitted
        Time of the submission, in seconds since the epoch.
    name
        Name of the batch job, with which its files begin.
    host
        Name of the host that it is on; empty: this machine.
    scheduler
        Name of the scheduler.
    cause
        Cause of the state, in the words of the scheduler if it gives one.
    """

    id: str
    state: str
    queue: str
    submitted: float
    name: str
    host: str
    scheduler: str
    cause: str

    @property
    def ended(self) -> bool:
        """Return whether the batch job is known to have ended."""
        return self.state != _UNKNOWN and State(self.state).ended


def batch_job_states(spool: Spool) -> list[BatchJobState]:
    """Return the batch jobs of a spool whose end no script has seen, the oldest first.

    Parameters
    ----------
    spool
        Directory of the tasks.

    Raises
    ------
    StorageError
        The record of a batch job cannot be trusted.
    """
    records = list(read_records(spool.path))
    if not records:
        return []
    try:  # a spool is that of one machine
        known = records[0].scheduler.poll([submitted(spool, record) for record in records])
    except SchedulerError as error:
        return [_state(spool, record, _UNKNOWN, str(error)) for record in records]
    outcomes = [known.get(record.id) or _without(spool, record) for record in records]
    return [
        _state(spool, record, outcome.state, outcome.cause) for record, outcome in zip(records, outcomes, strict=True)
    ]


def _state(spool: Spool, record: Record, state: str, cause: str) -> BatchJobState:
    place = spool.path.name, record.submitted, record.name, host_name(spool), record.scheduler_name
    return BatchJobState(record.id, str(state), *place, cause)


def _without(spool: Spool, record: Record) -> Outcome:
    """Return the outcome of a batch job that its scheduler does not know any more."""
    status = spool.end_mark(record.name)
    if not status:
        return Outcome(State.LOST, "the scheduler no longer knows it")
    return Outcome(State.SUCCEEDED) if status == "0" else Outcome(State.FAILED, f"exit status {status}")
