"""Scheduler LSF."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from adatom.errors import SchedulerError
from adatom.machines.model import Model, Word
from adatom.machines.outcome import Outcome, State
from adatom.machines.resources import Resources, parse_memory
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.script import BatchJob

__all__ = ["LSF", "LSFOptions"]


class LSFOptions(Model):
    """Options that only LSF knows.

    Attributes
    ----------
    slots
        Things that ``-n`` counts: ``"cores"``, or ``"ranks"``, each of which gets its cores by ``affinity``.
    memory_unit
        Unit of the site's ``LSF_UNIT_FOR_LIMITS``, for an LSF before 10.1.0.2, which takes numbers only. None:
        megabytes, with the unit behind the number.
    app, gpu
        Application profile as in ``bsub -app``, and words of ``-gpu`` besides the number, such as
        ``mode=exclusive_process``.
    exclusive
        Whether the job shares its nodes with no other job.
    rerun
        Whether LSF runs a job again that lost its node.
    """

    slots: Literal["cores", "ranks"] = "cores"
    memory_unit: Literal["KB", "MB", "GB"] | None = None
    app: Word | None = None
    gpu: Word | None = None
    exclusive: bool = False
    rerun: bool = False


# LSF takes a suffix since 10.1.0.2. A number without a suffix is in the unit of the site.
_UNITS = {None: (2**20, "MB"), "KB": (2**10, ""), "MB": (2**20, ""), "GB": (2**30, "")}

# LSF's states (`bjobs(1)`). A job in a state that is in neither set waits, also in PSUSP. A job is UNKWN when its host
# does not answer, and ZOMBI when it was killed meanwhile.
_ENDED = frozenset({"DONE", "EXIT", "ZOMBI"})
_RUNS = frozenset({"RUN", "USUSP", "SSUSP", "UNKWN"})

# Spectrum LSF 10.1, "Termination reasons displayed by bacct, bhist, and bjobs". Other reasons are failures.
_REASONS = {
    **dict.fromkeys(("TERM_RUNLIMIT", "TERM_DEADLINE", "TERM_WINDOW", "TERM_CPULIMIT"), State.TIMEOUT),
    **dict.fromkeys(("TERM_MEMLIMIT", "TERM_SWAP"), State.OUT_OF_MEMORY),
    **dict.fromkeys(("TERM_OWNER", "TERM_FORCE_OWNER", "TERM_ADMIN", "TERM_FORCE_ADMIN"), State.CANCELLED),
    **dict.fromkeys(("TERM_BUCKET_KILL", "TERM_REMOVE_HUNG_JOB"), State.CANCELLED),
    "TERM_PREEMPT": State.PREEMPTED,
    "TERM_ZOMBI": State.NODE_FAILURE,
}


class _Row(NamedTuple):
    """One job in the output of ``bjobs``."""

    id: str
    state: str
    exit_code: str
    reason: str
    elapsed: str
    memory: str
    nodes: str


_FORMAT = "jobid stat exit_code exit_reason run_time max_mem exec_host delimiter='|'"


class LSF(Scheduler):
    """Scheduler LSF, by ``bsub``, ``bjobs`` and ``bkill``. It writes a report on the job into the job's output file.

    LSF keeps jobs that have ended for ``CLEAN_PERIOD``, an hour unless the site sets another time.
    """

    name: ClassVar[str] = "lsf"
    suffix: ClassVar[str] = ".lsf"
    prefix: ClassVar[str] = "#BSUB"
    commands: ClassVar[tuple[str, ...]] = ("bsub", "bjobs", "bkill")
    options_type: ClassVar[type[Model]] = LSFOptions
    job_id: ClassVar[str] = "%J"

    def directives(self, job: BatchJob) -> list[str]:
        """Return the directives, which are options of ``bsub(1)``."""
        needs, options = job.resources, job.options or LSFOptions()
        of_ranks = options.slots == "ranks"
        slots = needs.ranks_per_node if of_ranks else needs.cores_per_node  # of each node
        if not of_ranks:
            _warn_of_ranks(job.name, needs)
        lines = [
            f"-J {job.name}",
            f"-o {job.stdout}",
            f"-e {job.stderr}",
            f"-n {needs.nodes * slots}",
            f'-R "span[ptile={slots}]"',
            "-r" if options.rerun else "-rn",
        ]
        if of_ranks:
            lines.append(f'-R "affinity[core({needs.threads_per_rank})]"')
        lines += _amounts(needs, options)
        if options.exclusive:
            lines.append("-x")
        named = {"q": job.queue, "P": job.account, "app": options.app}
        return [*lines, *(f"-{name} {value}" for name, value in named.items() if value)]

    def submit(self, script: Path) -> str:
        """Submit with ``bsub``, which reads directives on its standard input only."""
        printed = self.run("bsub", script=script, stdin=script.name)
        found = re.search(r"^Job <(\d+)> is submitted", printed, re.MULTILINE)
        if not found:
            raise SchedulerError(f"bsub took {script}, and what it says of the id is not understood: {printed!r}.")
        return found[1]

    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """Ask for all jobs with one ``bjobs``."""
        if not jobs:
            return {}
        ids = [job.id for job in jobs]
        printed = self.ask("bjobs", "-a", "-o", _FORMAT, "-noheader", *ids, forgiven="is not found")
        rows = [_Row(*line.split("|")) for line in printed.splitlines() if line.count("|") == len(_Row._fields) - 1]
        return {row.id: _outcome(row) for row in rows if row.id in ids}

    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """End the jobs with ``bkill``."""
        if jobs:
            self.run("bkill", *(job.id for job in jobs), forgiven="already finished|No matching job found|is not found")

    def queues(self) -> Mapping[str, float | None]:
        """Return the queues of ``bqueues``. Run limits are in minutes, of a host of the queue's model if it has one."""
        queues = re.split(r"^QUEUE: *", self.run("bqueues", "-l"), flags=re.MULTILINE)[1:]
        return {queue.split("\n", 1)[0].strip(): _run_limit(queue) for queue in queues}


def _amounts(needs: Resources, options: LSFOptions) -> list[str]:
    """Return the directives for GPUs, memory and walltime."""
    lines = []
    if needs.gpus_per_node:
        lines.append(f'-gpu "{":".join(filter(None, [f"num={needs.gpus_per_node}", options.gpu]))}"')
    if needs.memory is not None:  # reservation on each host, and its limit
        size, unit = _UNITS[options.memory_unit]
        amount = f"{-(-needs.memory // size)}{unit}"
        lines += [f'-R "rusage[mem={amount}]"', f"-M {amount}"]
    if needs.walltime is not None:
        minutes = -int(-needs.walltime // 60)
        lines.append(f"-W {minutes // 60:02d}:{minutes % 60:02d}")
    return lines


def _warn_of_ranks(name: str, needs: Resources) -> None:
    """Warn if LSF, which counts cores, cannot tell how many ranks each of several nodes has."""
    if needs.nodes > 1 and needs.threads_per_rank > 1:
        hint = "give slots='ranks', or say it in launcher_options"
        warnings.warn(f"{name}: LSF is not told ranks_per_node={needs.ranks_per_node}: {hint}.", stacklevel=3)


def _outcome(row: _Row) -> Outcome:
    row = _Row(*("" if text.strip() == "-" else text.strip() for text in row))
    if row.state not in _ENDED:
        return Outcome(State.RUNNING if row.state in _RUNS else State.QUEUED, native=row.state, nodes=row.nodes)
    code = int(row.exit_code) if row.exit_code else 0 if row.state == "DONE" else None
    state, cause = _verdict(row, code)
    elapsed = float(row.elapsed.split()[0]) if row.elapsed else None
    return Outcome(state, cause, row.state, code, _signal(code), elapsed, _memory(row.memory), row.nodes)


def _verdict(row: _Row, code: int | None) -> tuple[State, str]:
    if row.state == "EXIT":
        return _REASONS.get(row.reason.partition(":")[0], State.FAILED), row.reason
    if row.state == "ZOMBI":
        return State.NODE_FAILURE, row.reason or "it was killed while its host did not answer"
    return State.FAILED if code else State.SUCCEEDED, row.reason


def _signal(code: int | None) -> int | None:
    if code is None:
        return None
    return code - 128 if 128 < code <= 192 else 0


def _run_limit(queue: str) -> float | None:
    most = queue.rpartition("MAXIMUM LIMITS:")[2]  # this heading exists only after default limits
    # CPULIMIT, also in minutes, may stand on the left.
    found = re.search(r"\bRUNLIMIT *\n(?:.*\s)?([\d.]+) min\b", most)
    return float(found[1]) * 60 if found else None


def _memory(text: str) -> int | None:
    try:
        return parse_memory(text.removesuffix("ytes"))  # "3.9 Gbytes"
    except ValueError:
        return None
