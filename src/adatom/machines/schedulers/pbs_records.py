"""Records of jobs and queues that PBS prints, and the outcome that a record means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adatom.machines.here import Here
from adatom.machines.outcome import Outcome, State
from adatom.machines.resources import parse_memory
from adatom.machines.schedulers.base import Submitted
from adatom.machines.script import STDERR
from adatom.utils.durations import parse_duration

__all__ = ["longest_walltimes", "number", "outcome", "parsed"]

_RUNS = frozenset("RESUB")  # running, exiting, suspended by PBS or by the host's user, array that has begun
_ENDED = frozenset("FXC")  # in PBS Pro, of its array jobs, in Torque. In any other state a job waits
_DELETED = "91"  # JOB_SUBSTATE_TERMINATED of PBS Pro: a person or the server ended the job
_SIGTERM = 256 + 15

# Exit statuses that PBS gives to a job without one of its script. The dialects differ: OpenPBS, src/include/job.h;
# Torque 6.1, Administrator's Guide, "Job exit status".
_BOTH = {
    -1: (State.FAILED, "it could not be started, before its files were there"),
    -2: (State.FAILED, "it could not be started, after its files were there"),
    -3: (State.FAILED, "it could not be started, and was to be tried again"),
    -4: (State.NODE_FAILURE, "PBS was started anew on its node"),
    -5: (State.NODE_FAILURE, "PBS was started anew on its node"),
    -6: (State.NODE_FAILURE, "PBS was started anew on its node"),
}
_PRO = _BOTH | {
    -10: (State.FAILED, "its user is not known on the node"),
    -11: (State.NODE_FAILURE, "it was to be run again"),
    -14: (State.NODE_FAILURE, "it was to be run again"),
    -17: (State.REJECTED, "a hook of the site rejected it"),
    -19: (State.REJECTED, "a hook of the site deleted it"),
    -20: (State.NODE_FAILURE, "its first node did not answer"),
    -24: (State.FAILED, "it exceeded its ncpus"),
    -25: (State.FAILED, "it exceeded its ncpus"),
    -26: (State.OUT_OF_MEMORY, "it exceeded its vmem"),
    -27: (State.OUT_OF_MEMORY, "it exceeded its mem"),
    -28: (State.TIMEOUT, "it exceeded its cput"),
    -29: (State.TIMEOUT, "it exceeded its walltime"),
}
_TORQUE = _BOTH | {
    -8: (State.FAILED, "its script could not be run"),
    -9: (State.FAILED, "the files of its output could not be made"),
    -10: (State.OUT_OF_MEMORY, "it exceeded its memory"),
    -11: (State.TIMEOUT, "it exceeded its walltime"),
    -12: (State.TIMEOUT, "it exceeded its cput"),
}

# Message that the node writes into the job's standard error when it ends the job, and PBS Pro into the job's comment.
_KILLED = re.compile(r"(?:PBS: job killed:|exceeded resource) (\w+).*")
_LIMITS = {
    **dict.fromkeys(("walltime", "cput", "pcput"), State.TIMEOUT),
    **dict.fromkeys(("mem", "vmem", "pmem", "pvmem"), State.OUT_OF_MEMORY),
    "node": State.NODE_FAILURE,
}
_TAIL = 2**16  # bytes at the end of the standard error in which the message is searched


def number(id: str) -> str:
    """Return the id of a job without its server, which has a short and a long name.

    Parameters
    ----------
    id
        Identifier of the job, as PBS writes it.
    """
    return id.partition(".")[0]


def parsed(printed: str) -> dict[str, dict[str, str]]:
    """Return the attributes of each job by the job's number. The names of attributes are in lower case.

    Parameters
    ----------
    printed
        Output of the command ``qstat -f``.
    """
    return {number(id): fields for id, fields in _records("Job Id", printed)}


def longest_walltimes(printed: str) -> dict[str, float | None]:
    """Return the longest walltime of each queue by name, in s, or None for a queue without a limit.

    Parameters
    ----------
    printed
        Output of the command ``qstat -Q -f``.
    """
    records = _records("Queue", printed)
    return {name: _figure(parse_duration, fields.get("resources_max.walltime")) for name, fields in records}


def _records(head: str, printed: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the text behind the head of each record, with the fields below it."""
    # Long lines are folded: their continuation is indented further.
    records = re.split(rf"^{head}: *", re.sub(r"\n(\t| {8})", "", printed), flags=re.MULTILINE)[1:]
    fields = re.compile(r"^ {4}(\S+) = (.*)$", re.MULTILINE)
    for record in records:
        # Torque says `exit_status` where PBS Pro says `Exit_status`.
        yield record.split("\n", 1)[0].strip(), {key.lower(): text for key, text in fields.findall(record)}


def outcome(job: Submitted, said: Mapping[str, str], host: Here) -> Outcome:
    """Return the outcome of a job.

    Parameters
    ----------
    job
        Submitted job that the attributes belong to.
    said
        Attributes of the job, as `parsed` returns them.
    host
        Machine that holds the files of the job.
    """
    letter, comment, nodes = said.get("job_state", ""), said.get("comment", ""), said.get("exec_host", "")
    if letter not in _ENDED:
        known = State.RUNNING if letter in _RUNS else State.QUEUED
        return Outcome(known, comment, letter, nodes=nodes)
    status = int(said["exit_status"]) if "exit_status" in said else None
    elapsed = _figure(parse_duration, said.get("resources_used.walltime"))
    limit = _figure(parse_duration, said.get("resource_list.walltime")) or job.walltime
    end = _End(letter, status, elapsed, limit, said.get("substate", ""), nodes, comment)
    killed = _KILLED.search(host.tail(job.script.with_suffix(STDERR), _TAIL)) or _KILLED.search(comment)
    state, cause = (_LIMITS.get(killed[1], State.FAILED), killed[0]) if killed else _verdict(end)
    memory = _figure(parse_memory, said.get("resources_used.mem")) or None
    return Outcome(state, cause, end.native, end.exit_code, end.signal, elapsed, memory, nodes)


@dataclass(frozen=True)
class _End:
    """End of a job in the attributes that PBS prints."""

    letter: str
    status: int | None
    elapsed: float | None
    limit: float | None
    substate: str
    nodes: str
    comment: str

    @property
    def native(self) -> str:
        return self.letter if self.status is None else f"{self.letter}, Exit_status {self.status}"

    @property
    def exit_code(self) -> int | None:
        return self.status if self.status is not None and 0 <= self.status < 256 else None

    @property
    def signal(self) -> int | None:
        """Signal in the exit status: above 256 the script's, above 128 its program's, else 0 for none."""
        if self.status is None or self.status < 0:
            return None
        if self.status > 256:
            return self.status - 256
        return self.status - 128 if 128 < self.status <= 192 else 0

    @property
    def was_deleted(self) -> bool:
        return self.substate == _DELETED or (self.letter == "C" and self.status == _SIGTERM)

    @property
    def is_over_walltime(self) -> bool:
        return bool(self.signal and self.limit and self.elapsed and self.elapsed >= self.limit)


# Rules for an end without a message of the node and without an exit status of PBS's own: condition, state and cause.
# The first one that holds counts.
_RULES: tuple[tuple[Callable[[_End], bool], State, str], ...] = (
    (lambda end: end.is_over_walltime, State.TIMEOUT, "signal {end.signal} ended it after its walltime"),
    (lambda end: end.was_deleted, State.CANCELLED, "{end.comment}"),
    (lambda end: end.status == 0, State.SUCCEEDED, ""),
    (lambda end: end.status is not None, State.FAILED, "{end.comment}"),
    # There is no exit status from here on.
    (
        lambda end: bool(end.nodes),
        State.FAILED,
        "it ran and left no exit status, as when its node is lost: {end.comment}",
    ),
    (lambda end: bool(end.comment), State.CANCELLED, "{end.comment}"),
    (lambda end: True, State.CANCELLED, "it was deleted before it ran"),
)


def _verdict(end: _End) -> tuple[State, str]:
    if end.status is not None and end.status < 0:
        of_pbs = _TORQUE if end.letter == "C" else _PRO
        return of_pbs.get(end.status, (State.FAILED, f"PBS gave it up: {end.comment}"))
    return next((state, cause.format(end=end)) for holds, state, cause in _RULES if holds(end))


def _figure(parse: Callable[[str], Any], text: str | None) -> Any:
    try:
        return parse(text) if text else None
    except ValueError:
        return None
