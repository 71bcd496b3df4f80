"""What became of a batch job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Outcome", "State"]


class State(StrEnum):
    """Where a batch job is, or how it ended.

    Attributes
    ----------
    QUEUED
        It waits; also one that was put back into the queue.
    RUNNING
        It runs; also one that is suspended, or whose files are moved.
    SUCCEEDED
        It has come to its end, well.
    FAILED
        Its program or its script failed.
    TIMEOUT
        It was ended at its walltime.
    OUT_OF_MEMORY
        It was ended as it took more memory than it had.
    CANCELLED
        Somebody ended it.
    NODE_FAILURE
        Its node was lost.
    PREEMPTED
        It had to make room for another.
    REJECTED
        The scheduler took it, and will not run it.
    LOST
        The scheduler does not know it any more, and it has left no end mark.
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
        """Whether nothing more will happen."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Outcome:
    """What is known of a batch job.

    Attributes
    ----------
    state
        Where it is, or how it ended.
    cause
        Why, in the scheduler's words where it has some.
    native
        The state as the scheduler names it.
    exit_code
        Of the script, where it is known.
    signal
        What ended it; 0 if nothing did, None where that is not known.
    elapsed
        Wall time in s.
    memory
        The largest that was seen, in bytes.
    nodes
        The names of the nodes, as the scheduler writes them.
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
        """Whether it succeeded."""
        return self.state is State.SUCCEEDED
