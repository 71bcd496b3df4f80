"""What became of a batch job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Outcome", "State"]


class State(StrEnum):
    """Where a batch job is, or how it ended."""

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
