"""Scheduler Grid Engine: Son of Grid Engine and its relatives, open or not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

from adatom.errors import SchedulerError
from adatom.machines.model import Model, Word
from adatom.machines.outcome import Outcome, State
from adatom.machines.resources import Resources, parse_memory
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.script import BatchJob
from adatom.utils.durations import clock

__all__ = ["SGE", "SGEOptions"]


class SGEOptions(Model):
    """Options that only Grid Engine knows.

    Attributes
    ----------
    parallel_environment
        Parallel environment that gives the job its slots, one for each core; ``qconf -spl`` lists the environments. Its
        allocation rule sets the number of slots on one node, which has to be `cores_per_node` for a job of several
        nodes. None: the job has one slot.
    memory_resource
        Resource that stands for memory, counted for each slot.
    gpu_resource
        Resource that stands for GPUs, counted for each node, or for each slot if the site does so.
    rerun
        Whether Grid Engine runs a job again that lost its node.
    """

    parallel_environment: Word | None = None
    memory_resource: Word = "h_vmem"
    gpu_resource: Word = "gpu"
    rerun: bool = False


# What `qacct` says of a job that it has no record of; the last until the first job of the whole site has ended.
_NO_RECORD = "not found|no jobs running since startup|accounting: No such file or directory"
# Values of `failed` in `qacct` (`sge_status(5)`) that tell more than the exit status.
_LIMIT = 37  # of run time or memory; a limit that the node itself enforces leaves only a signal
_SIGNAL = (17, 100)
_NODE = (18, 19, 21)  # no record of the job's end was written
_NEVER_RAN = (*range(1, 12), *range(26, 30), *range(31, 37), 38)


class SGE(Scheduler):
    """Scheduler Grid Engine, by ``qsub``, ``qstat``, ``qdel`` and, for jobs that have ended, ``qacct``.

    Accounting may record a job some seconds after its end, and never records a job that was deleted before it started.
    """

    name: ClassVar[str] = "sge"
    suffix: ClassVar[str] = ".sge"
    prefix: ClassVar[str] = "#$"
    commands: ClassVar[tuple[str, ...]] = ("qsub", "qstat", "qacct", "qdel")
    options_type: ClassVar[type[Model]] = SGEOptions
    job_id: ClassVar[str] = "$JOB_ID"

    def __init__(self) -> None:
        self._deleted: set[str] = set()  # by this process; not every version tells deletions from other signals

    def directives(self, job: BatchJob) -> list[str]:
        """Return the directives, which are options of ``qsub(1)``."""
        needs, options = job.resources, job.options or SGEOptions()
        lines = [f"-N {job.name}", f"-o {job.stdout}", f"-e {job.stderr}", "-cwd", "-S /bin/bash"]
        lines.append(f"-r {'y' if options.rerun else 'n'}")
        lines += self._slots(needs, options)
        if needs.gpus_per_node:
            lines.append(f"-l {options.gpu_resource}={needs.gpus_per_node}")
        if needs.memory is not None:
            lines.append(f"-l {options.memory_resource}={-(-needs.memory // (needs.cores_per_node * 2**20))}M")
        if needs.walltime is not None:
            lines.append(f"-l h_rt={clock(needs.walltime)}")
        named = {"-q": job.queue, "-P": job.account}
        return [*lines, *(f"{name} {value}" for name, value in named.items() if value)]

    def _slots(self, needs: Resources, options: SGEOptions) -> list[str]:
        slots = needs.nodes * needs.cores_per_node
        if options.parallel_environment:
            return [f"-pe {options.parallel_environment} {slots}"]
        if slots > 1:
            asked = ", ".join(f"{key}={getattr(needs, key)}" for key in ("nodes", "ranks_per_node", "threads_per_rank"))
            hint = "Name one of `qconf -spl` as parallel_environment in the section sge of the machine's profile."
            raise self.cannot(f"{asked} without a parallel environment", hint)
        return []

    def submit(self, script: Path) -> str:
        """Submit with ``qsub``, which prints the id in a sentence."""
        printed = self.run("qsub", script.name, script=script, with_errors=True)
        found = re.search(r"^Your job (\d+) ", printed, re.MULTILINE)
        if not found:
            raise SchedulerError(f"qsub was given {script}, and what it says of an id is not understood: {printed!r}.")
        return found[1]

    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """Ask with one ``qstat`` for jobs that wait or run, and with one ``qacct`` for each job that has ended."""
        # The query is for all jobs of the user: with a list, one job that Grid Engine has forgotten makes it an error.
        printed = self.ask("qstat", "-xml", "-u", "$user")
        try:
            listed = {job.findtext("JB_job_number"): job for job in ElementTree.fromstring(printed).iter("job_list")}
        except ElementTree.ParseError as error:
            raise SchedulerError(f"qstat prints XML that cannot be read: {error}.") from None
        found = {job.id: self._alive(listed[job.id]) if job.id in listed else self._ended(job) for job in jobs}
        return {id: outcome for id, outcome in found.items() if outcome}

    def _alive(self, job: ElementTree.Element) -> Outcome:
        id, native, queue = (job.findtext(name, "") for name in ("JB_job_number", "state", "queue_name"))
        if "E" in native:  # the job stays in this state until it is deleted
            return Outcome(State.REJECTED, self._reason(id), native)
        if "q" in native:
            return Outcome(State.QUEUED, "held" if "h" in native else "", native)
        return Outcome(State.RUNNING, "", native, nodes=queue.partition("@")[2])

    def _reason(self, id: str) -> str:
        try:
            reasons = re.findall(r"^error reason\s+\d+:\s+(.+)", self.run("qstat", "-j", id), re.MULTILINE)
        except SchedulerError:  # deleted since
            reasons = []
        return reasons[-1].strip() if reasons else "in an error state"

    def _ended(self, job: Submitted) -> Outcome | None:
        try:
            printed = self.run("qacct", "-j", job.id)
        except SchedulerError as error:
            if not re.search(_NO_RECORD, str(error)):
                raise
            return Outcome(State.CANCELLED, "deleted") if job.id in self._deleted else None
        record = printed.split("=====\n")[-1]  # one record for each start; the last counts
        said = dict(re.findall(r"^(\w+) +(\S.*?) *$", record, re.MULTILINE))
        return _outcome(job, said, job.id in self._deleted)

    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """End the jobs with ``qdel``, which complains about jobs that have ended and deletes the others."""
        try:
            said = self.run("qdel", *(job.id for job in jobs)) if jobs else ""
        except SchedulerError as error:
            said = str(error)
            if not 0 < said.count("denied:") == said.count("does not exist"):
                raise
        self._deleted |= set(re.findall(r"(?:registered the|deleted) job (\d+)", said))

    def queues(self) -> Mapping[str, float | None]:
        """Return the cluster queues of ``qconf``. If the hosts of a queue differ, the longest walltime counts."""
        names = self.run("qconf", "-sql").split()
        printed = re.sub(r"\\\n\s*", "", self.run("qconf", "-sq", ",".join(names)) if names else "")
        limits = re.findall(r"^h_rt +(.+)$", printed, re.MULTILINE)
        return dict(zip(re.findall(r"^qname +(\S+)", printed, re.MULTILINE), map(_longest, limits), strict=True))


def _outcome(job: Submitted, said: Mapping[str, str], deleted: bool) -> Outcome:
    failed, status = (int(said[name].split()[0]) for name in ("failed", "exit_status"))
    elapsed, memory = float(said["ru_wallclock"].rstrip("s")), _bytes(said["maxvmem"])
    signal = status - 128 if failed in (_LIMIT, *_SIGNAL) and status > 128 else 0
    end = _End(failed, status, signal, elapsed, memory, job.walltime, deleted, said)
    state, cause = next((state, cause.format(end=end)) for holds, state, cause in _RULES if holds(end))
    return Outcome(state, cause, f"failed {failed}", status, signal, elapsed, int(memory) or None, said["hostname"])


@dataclass(frozen=True)
class _End:
    """End of a job, with its record in `qacct` and whether this process has deleted it."""

    failed: int
    status: int
    signal: int
    elapsed: float
    memory: float
    walltime: float | None
    deleted: bool
    said: Mapping[str, str]

    @property
    def words(self) -> str:
        return self.said["failed"].partition(":")[2].strip()

    @property
    def was_deleted(self) -> bool:
        return bool(self.signal) and (self.deleted or self.said.get("deleted_by", "NONE") != "NONE")

    @property
    def memory_of_slot(self) -> str:
        limit = re.search(r"\bh_vmem=([\d.]+\w?)", self.said["category"])
        return limit[1] if limit else ""

    @property
    def is_over_memory(self) -> bool:
        limit = self.memory_of_slot
        return bool(limit) and self.memory >= _bytes(limit) * int(self.said["slots"])

    @property
    def is_over_walltime(self) -> bool:
        return bool(self.signal) and self.walltime is not None and self.elapsed >= self.walltime


# Rules for the end of a job: condition, state and cause. The first one that holds counts.
_RULES: tuple[tuple[Callable[[_End], bool], State, str], ...] = (
    (lambda end: end.failed == end.status == 0, State.SUCCEEDED, "{end.words}"),
    (lambda end: end.failed in _NEVER_RAN, State.REJECTED, "{end.words}"),
    (lambda end: end.failed in _NODE, State.NODE_FAILURE, "{end.words}"),
    (lambda end: end.was_deleted and "deleted_by" in end.said, State.CANCELLED, "deleted by {end.said[deleted_by]}"),
    (lambda end: end.was_deleted, State.CANCELLED, "deleted"),
    (
        lambda end: end.is_over_memory,
        State.OUT_OF_MEMORY,
        "maxvmem {end.said[maxvmem]}, and {end.said[slots]} slots with {end.memory_of_slot} each",
    ),
    (lambda end: end.failed == _LIMIT or end.is_over_walltime, State.TIMEOUT, "{end.words}"),
    (lambda end: True, State.FAILED, "{end.words}"),
)


def _longest(text: str) -> float | None:
    """Return the longest limit in s of ``24:00:00,[big=48:00:00],[@rack1=INFINITY]``, or None without a limit."""
    limits = re.findall(r"(?:^|=)([^],]+)", text)
    if any(limit.upper() == "INFINITY" for limit in limits):
        return None
    return max(sum(int(part or 0) * 60**n for n, part in enumerate(reversed(limit.split(":")))) for limit in limits)


def _bytes(text: str) -> float:
    """Return the bytes in ``4.855MB``, ``4.855M`` or ``4096``, or 0 if the memory is not known."""
    try:
        return parse_memory(text) if text[-1].isalpha() else float(text)
    except ValueError:
        return 0.0
