"""Scheduler PBS: PBS Pro, OpenPBS and Torque."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from adatom.errors import SchedulerError
from adatom.machines.model import Model, Word
from adatom.machines.outcome import Outcome
from adatom.machines.resources import Resources
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.schedulers.pbs_records import longest_walltimes, number, outcome, parsed
from adatom.machines.script import BatchJob
from adatom.utils.durations import clock

__all__ = ["PBS", "PBSOptions"]


class PBSOptions(Model):
    """Options that only PBS knows.

    Attributes
    ----------
    dialect
        Dialect of the site: ``"pro"`` for PBS Pro and OpenPBS, or ``"torque"``.
    account_as
        Directive that names the account: ``"account"`` for ``-A``, or ``"group_list"`` for ``-W group_list=``.
    place
        Placement as in ``-l place=``. None: ``scatter`` for several nodes, which PBS Pro may else put on one host.
    chunk
        Further resources of each node, such as ``jobtype=core`` or, in Torque, a property of the node.
    rerun
        Whether PBS runs a job again that lost its node or was preempted.
    """

    dialect: Literal["pro", "torque"] = "pro"
    account_as: Literal["account", "group_list"] = "account"
    place: Word | None = None
    chunk: tuple[Word, ...] = ()
    rerun: bool = False


_ACCOUNT = {"account": "-A ", "group_list": "-W group_list="}
# Messages about jobs that PBS no longer knows, or that have ended and cannot be cancelled.
_GONE = "Unknown Job|Job has finished|Request invalid for state of job"


class PBS(Scheduler):
    """Scheduler PBS, by ``qsub``, ``qstat`` and ``qdel``. The output of a job appears when the job has ended.

    PBS Pro keeps jobs that have ended if the site enables this. Torque keeps them for some minutes.
    """

    name: ClassVar[str] = "pbs"
    suffix: ClassVar[str] = ".pbs"
    prefix: ClassVar[str] = "#PBS"
    commands: ClassVar[tuple[str, ...]] = ("qsub", "qstat", "qdel")
    options_type: ClassVar[type[Model]] = PBSOptions

    def __init__(self) -> None:
        self._history = True  # until PBS says that it keeps none

    def directives(self, job: BatchJob) -> list[str]:
        """Return the directives, which are options of ``qsub(1B)``."""
        needs, options = job.resources, job.options or PBSOptions()
        torque = options.dialect == "torque"
        lines = [
            f"-N {_short(job.name, 15 if torque else 236)}",
            "-S /bin/bash",  # otherwise the user's login shell reads the script
            f"-o {job.stdout}",
            f"-e {job.stderr}",
            f"-r {'y' if options.rerun else 'n'}",
            *(self._nodes(job.name, needs, options) if torque else _select(needs, options)),
        ]
        if needs.walltime is not None:
            lines.append(f"-l walltime={clock(needs.walltime)}")
        if job.queue:
            lines.append(f"-q {job.queue}")
        if job.account:
            lines.append(f"{_ACCOUNT[options.account_as]}{job.account}")
        return lines

    def _nodes(self, name: str, needs: Resources, options: PBSOptions) -> list[str]:
        if options.place:
            raise self.cannot(f"place={options.place!r} in Torque", "Leave it out, or name the dialect 'pro'.")
        if needs.nodes > 1 and needs.threads_per_rank > 1:
            ranks = f"ranks_per_node={needs.ranks_per_node}"
            warnings.warn(f"{name}: Torque has no word for {ranks}: say it in launcher_options.", stacklevel=3)
        nodes = [f"nodes={needs.nodes}", f"ppn={needs.cores_per_node}"]
        nodes += [f"gpus={needs.gpus_per_node}"] if needs.gpus_per_node else []
        memory = [] if needs.memory is None else [f"-l mem={_mb(needs.memory * needs.nodes)}"]  # of the whole job
        return [f"-l {':'.join([*nodes, *options.chunk])}", *memory]

    def submit(self, script: Path) -> str:
        """Submit with ``qsub``, which prints the id, perhaps after messages of the site."""
        printed = self.run("qsub", script.name, script=script)
        for line in reversed(printed.splitlines()):
            if re.fullmatch(r"\d+(\[\d*\])?(\.[\w.@:-]+)?", line.strip()):
                return line.strip()
        raise SchedulerError(f"qsub took {script}, and what it says of the id is not understood: {printed!r}.")

    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """Ask for all jobs with one ``qstat``."""
        records = self._records([job.id for job in jobs]) if jobs else {}
        return {job.id: outcome(job, records[number(job.id)], self.host) for job in jobs if number(job.id) in records}

    def _records(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        printed = ""
        if self._history:
            try:
                printed = self.ask("qstat", "-x", "-f", *ids, forgiven=_GONE)
            except SchedulerError as error:
                if "job history" not in str(error):  # "PBS is not configured to maintain job history"
                    raise
                self._history = False
            if printed.lstrip().startswith("<"):  # Torque has no history, and its -x means XML
                self._history = False
        return parsed(printed if self._history else self.ask("qstat", "-f", *ids, forgiven=_GONE))

    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """End the jobs with ``qdel``."""
        if jobs:
            self.run("qdel", *(job.id for job in jobs), forgiven=_GONE)

    def queues(self) -> Mapping[str, float | None]:
        """Return the queues of ``qstat``. A routing queue may not tell the limits of the queues that it routes to."""
        return longest_walltimes(self.run("qstat", "-Q", "-f"))


def _short(name: str, most: int) -> str:
    """Shorten a name, and keep its last characters, which make it unique."""
    return name if len(name) <= most else name[: most - 9] + name[-9:]


def _mb(memory: int) -> str:
    return f"{-(-memory // 2**20)}mb"


def _select(needs: Resources, options: PBSOptions) -> list[str]:
    chunk = [f"select={needs.nodes}", f"ncpus={needs.cores_per_node}", f"mpiprocs={needs.ranks_per_node}"]
    chunk.append(f"ompthreads={needs.threads_per_rank}")
    chunk += [f"ngpus={needs.gpus_per_node}"] if needs.gpus_per_node else []
    chunk += [] if needs.memory is None else [f"mem={_mb(needs.memory)}"]
    place = options.place or ("scatter" if needs.nodes > 1 else "")
    return [f"-l {':'.join([*chunk, *options.chunk])}", *([f"-l place={place}"] if place else [])]
