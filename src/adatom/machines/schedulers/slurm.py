"""Scheduler Slurm."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, NamedTuple

from adatom.errors import SchedulerError
from adatom.machines.model import Model, Word
from adatom.machines.outcome import Outcome, State
from adatom.machines.resources import parse_memory
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.script import STDERR, BatchJob
from adatom.utils.durations import clock

__all__ = ["Slurm", "SlurmOptions"]


class SlurmOptions(Model):
    """Options that only Slurm knows.

    Attributes
    ----------
    qos, constraint, reservation
        Options of ``sbatch`` with these names. None: the option is not given.
    exclusive
        Whether the job shares its nodes with no other job.
    requeue
        Whether Slurm runs a job again that was preempted or lost its node.
    """

    qos: Word | None = None
    constraint: Word | None = None
    reservation: Word | None = None
    exclusive: bool = False
    requeue: bool = False


# Slurm's states (`squeue(1)`, "JOB STATE CODES"). A job in a state that is in neither table waits.
_ENDS = {
    "COMPLETED": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "TIMEOUT": State.TIMEOUT,
    "DEADLINE": State.TIMEOUT,
    "OUT_OF_MEMORY": State.OUT_OF_MEMORY,
    "CANCELLED": State.CANCELLED,
    "NODE_FAIL": State.NODE_FAILURE,
    "BOOT_FAIL": State.NODE_FAILURE,
    "LAUNCH_FAILED": State.NODE_FAILURE,
    "PREEMPTED": State.PREEMPTED,
    "REVOKED": State.CANCELLED,
}
_RUNS = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"})
_OVER_MEMORY = re.compile(
    r"^slurmstepd\S*: error: .*?(exceeded (?:job )?memory limit.*?)(?:, being killed)?$", re.IGNORECASE | re.MULTILINE
)
_LAST = 4096  # bytes of the errors of a job in which Slurm may say why it ended the job


class _Row(NamedTuple):
    """One job in the output of ``sacct`` or ``scontrol``."""

    id: str
    state: str
    exit_code: str
    elapsed: str
    nodes: str
    memory: str = ""
    reason: str = ""


class Slurm(Scheduler):
    """Scheduler Slurm, by ``sbatch``, ``squeue``, ``scancel`` and, for jobs that have ended, ``sacct`` or ``scontrol``.

    Sites keep different records: without accounting ``sacct`` knows no job, and ``scontrol`` forgets a job after the
    time ``MinJobAge``.
    """

    name: ClassVar[str] = "slurm"
    suffix: ClassVar[str] = ".slurm"
    prefix: ClassVar[str] = "#SBATCH"
    commands: ClassVar[tuple[str, ...]] = ("sbatch", "squeue", "scontrol", "scancel")
    options_type: ClassVar[type[Model]] = SlurmOptions
    job_id: ClassVar[str] = "%j"
    of_a_job: ClassVar[str] = r"SLURM_(?!CONF$)|SBATCH_|SRUN_"  # ``srun`` prefers them to its own job

    def __init__(self) -> None:
        self._accounting = True  # until Slurm says that it has none

    def directives(self, job: BatchJob) -> list[str]:
        """Return the directives, which are options of ``sbatch(1)``."""
        needs, options = job.resources, job.options or SlurmOptions()
        lines = [
            f"--job-name={job.name}",
            f"--output={job.stdout}",
            f"--error={job.stderr}",
            f"--nodes={needs.nodes}",
            f"--ntasks-per-node={needs.ranks_per_node}",
            f"--cpus-per-task={needs.threads_per_rank}",
            "--requeue" if options.requeue else "--no-requeue",
        ]
        if needs.gpus_per_node:
            lines.append(f"--gpus-per-node={needs.gpus_per_node}")
        if needs.memory is not None:
            lines.append(f"--mem={-(-needs.memory // 2**20)}M")
        if needs.walltime is not None:
            lines.append(f"--time={clock(needs.walltime)}")
        if options.exclusive:
            lines.append("--exclusive")
        named = {"partition": job.queue, "account": job.account, "qos": options.qos}
        named |= {"constraint": options.constraint, "reservation": options.reservation}
        return [*lines, *(f"--{name}={value}" for name, value in named.items() if value)]

    def submit(self, script: Path) -> str:
        """Submit with ``sbatch --parsable``, which prints the id and, in a federation, the cluster."""
        printed = self.run("sbatch", "--parsable", script.name, script=script)
        found = re.match(r"(\d+)(;|$)", printed.strip().splitlines()[-1] if printed.strip() else "")
        if not found:
            raise SchedulerError(f"sbatch took {script}, and what it says of the id is not understood: {printed!r}.")
        return found[1]

    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """Ask with one ``squeue`` for jobs that wait or run, and with ``scontrol`` and ``sacct`` for all that ended."""
        ids = {job.id for job in jobs}
        found = {id: outcome for id, outcome in self._active() if id in ids}
        ended = sorted(ids - found.keys())
        if ended:
            # Slurm itself is right as long as it remembers a job. Accounting lags behind: it may know only one element
            # of an array, or call a job lost that was put back into the queue.
            remembered = self._remembered(ended)
            accounted = {row.id: row for row in self._accounted(ended)}
            rows = {**accounted, **remembered}
            scripts = {job.id: job.script for job in jobs}
            for id, row in rows.items():
                memory = accounted[id].memory if id in accounted else ""
                found[id] = self._cause(scripts[id], _outcome(row._replace(memory=memory)))
        return found

    def _cause(self, script: Path, outcome: Outcome) -> Outcome:
        """Return an outcome, of a job above its memory as such: without cgroups only the job's errors say so."""
        if outcome.state is State.FAILED and outcome.signal == signal.SIGKILL:
            said = _OVER_MEMORY.search(self.host.tail(script.with_suffix(STDERR), _LAST))
            if said:
                return replace(outcome, state=State.OUT_OF_MEMORY, cause=said[1])
        return outcome

    def _active(self) -> Iterable[tuple[str, Outcome]]:
        # The query is for all jobs of the user: a list of ids is an error once Slurm has forgotten the only job in it.
        for line in self.ask("squeue", "--me", "--noheader", "--format=%F|%T|%N|%r").splitlines():
            id, state, nodes, reason = (part.strip() for part in line.split("|", 3))
            if state not in _ENDS:
                known = State.RUNNING if state in _RUNS else State.QUEUED
                yield id, Outcome(known, cause=reason if reason != "None" else "", native=state, nodes=nodes)

    def _accounted(self, ids: Sequence[str]) -> Iterable[_Row]:
        """Ask ``sacct`` for jobs that have ended. Its answer may lag behind."""
        if not self._accounting:
            return []
        columns = "JobID,State,ExitCode,ElapsedRaw,NodeList,MaxRSS,Reason"
        try:
            printed = self.run("sacct", "--noheader", "--parsable2", f"--jobs={','.join(ids)}", f"--format={columns}")
        except SchedulerError as error:
            if "disabled" not in str(error):
                raise
            self._accounting = False
            return []
        rows: dict[str, _Row] = {}
        for line in printed.splitlines():
            row = _Row(*line.split("|"))
            element, _, step = row.id.partition(".")
            if not step:
                rows[element] = row._replace(id=element.partition("_")[0])
            elif element in rows:  # Slurm measures the memory of steps only
                rows[element] = rows[element]._replace(memory=max(rows[element].memory, row.memory, key=_bytes))
        return _worst(rows.values()).values()

    def _remembered(self, ids: Sequence[str]) -> dict[str, _Row]:
        """Ask ``scontrol`` for the jobs that Slurm has not forgotten yet: for one job, or for all of the cluster."""
        try:
            printed = self.run("scontrol", "show", "job", "--oneliner", *(ids if len(ids) == 1 else ()))
        except SchedulerError as error:
            if "Invalid job id" in str(error):
                return {}
            raise
        jobs = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in printed.splitlines() if "JobState=" in line]
        return _worst(
            _Row(id, job["JobState"], job["ExitCode"], job["RunTime"], job["NodeList"], "", job["Reason"])
            for job in jobs
            if (id := job.get("ArrayJobId") or job["JobId"]) in ids
        )

    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """End the jobs with ``scancel``, which accepts jobs that have ended."""
        if jobs:
            self.run("scancel", *(job.id for job in jobs))

    def queues(self) -> Mapping[str, float | None]:
        """Return the partitions of ``sinfo``."""
        lines = [line.split() for line in self.run("sinfo", "--noheader", "--format=%R %l").splitlines()]
        return {name: None if limit == "infinite" else _elapsed(limit) for name, limit in lines}


def _worst(rows: Iterable[_Row]) -> dict[str, _Row]:
    """Return one row for each id. An array lasts as long as an element, and fails if an element fails."""
    found: dict[str, _Row] = {}
    for row in sorted(rows, key=lambda row: (row.state.split()[0] in _ENDS, row.state == "COMPLETED")):
        found.setdefault(row.id, row)
    return found


def _elapsed(text: str) -> float:
    """Return the seconds in ``5:00``, ``1:00:00`` or ``1-00:00:00``. Slurm leaves out leading zeros."""
    days, _, rest = text.rpartition("-")
    hours, minutes, seconds = (int(part) for part in ["0", "0", *rest.split(":")][-3:])
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _outcome(row: _Row) -> Outcome:
    code, _, number = row.exit_code.partition(":")
    state = _ENDS.get(row.state.split()[0], State.QUEUED)  # "CANCELLED by 1000"
    exit_code, signal = int(code), int(number or 0)
    if state is State.SUCCEEDED and (exit_code or signal):
        state = State.FAILED
    elapsed = row.elapsed if row.elapsed.isdigit() else _elapsed(row.elapsed)
    reason = "" if row.reason in ("None", "") else row.reason
    memory = _bytes(row.memory) or None
    return Outcome(state, reason, row.state, exit_code, signal, float(elapsed), memory, row.nodes)


def _bytes(text: str) -> int:
    return parse_memory(text) if text and text[-1].isalpha() else int(text or 0)
