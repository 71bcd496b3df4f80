"""Outcome of a batch job: its state and figures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Outcome", "State"]


class State(StrEnum):
    """State of a batch job that waits or runs, or the way in which it ended.

    Attributes
    ----------
    QUEUED
        The job waits, for the first time or after it was put back into the queue.
    RUNNING
        The job runs, is suspended, or its files are being moved.
    SUCCEEDED
        The job ended with exit status 0.
    FAILED
        The program or the script failed.
    TIMEOUT
        The job was ended at its walltime.
    OUT_OF_MEMORY
        The job was ended because it took more memory than it had.
    CANCELLED
        A person or the scheduler's server deleted the job.
    NODE_FAILURE
        The node of the job was lost.
    PREEMPTED
        The job had to make room for another one.
    REJECTED
        The scheduler accepted the job, and will not run it.
    LOST
        The scheduler no longer knows the job, and the job has left no end mark.
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out of memory"
    CANCELLED = "cancelled"
    NODE_FAILURE = "node failure"
    PREEMPTED = "preempted"
    REJECTED = "rejected"
    LOST = "lost"

    @property
    def ended(self) -> bool:
        """Return whether the job has ended, so that its state is final."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Outcome:
    """State of a batch job, with the figures that its scheduler gives.

    Attributes
    ----------
    state
        State of the job, or the way in which it ended.
    cause
        Cause of the state, in the words of the scheduler if it gives one.
    native
        State as the scheduler names it.
    exit_code
        Exit status of the script. None: not known.
    signal
        Number of the signal that ended the script. 0: no signal did. None: not known.
    elapsed
        Wall time of the job, in s. None: not known.
    memory
        Largest memory that the scheduler has seen, in bytes. None: not known.
    nodes
        Names of the nodes, as the scheduler writes them.
    """

    state: State
    cause: str = ""
    native: str = ""
    exit_code: int | None = None
    signal: int | None = None
    elapsed: float | None = None
    memory: int | None = None
    nodes: str = ""

    @property
    def ok(self) -> bool:
        """Return whether the job succeeded."""
        return self.state is State.SUCCEEDED
