"""PBS: PBS Pro and OpenPBS, and Torque."""

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
    """What only PBS knows.

    Attributes
    ----------
    dialect
        ``"pro"``: PBS Pro and OpenPBS; ``"torque"``.
    account_as
        What says the account: ``"account"``: ``-A``; ``"group_list"``: ``-W group_list=``.
    place
        As in ``-l place=``; None: ``scatter`` where there are several nodes, for PBS Pro may put them all on one host.
    chunk
        More of each node, such as ``jobtype=core`` or, in Torque, the property of a node.
    rerun
        Whether PBS runs a job again that lost its node or was preempted.
    """

    dialect: Literal["pro", "torque"] = "pro"
    account_as: Literal["account", "group_list"] = "account"
    place: Word | None = None
    chunk: tuple[Word, ...] = ()
    rerun: bool = False


_ACCOUNT = {"account": "-A ", "group_list": "-W group_list="}
# What is said of jobs that there is nothing to know about or to cancel any more.
_GONE = "Unknown Job|Job has finished|Request invalid for state of job"


class PBS(Scheduler):
    """PBS, by ``qsub``, ``qstat`` and ``qdel``. Output comes when a job has ended.

    PBS Pro keeps jobs that have ended if its site lets it, Torque for some minutes.
    """

    name: ClassVar[str] = "pbs"
    suffix: ClassVar[str] = ".pbs"
    prefix: ClassVar[str] = "#PBS"
    commands: ClassVar[tuple[str, ...]] = ("qsub", "qstat", "qdel")
    options_type: ClassVar[type[Model]] = PBSOptions

    def __init__(self) -> None:
        self._history = True  # until it turns out that there is none

    def directives(self, job: BatchJob) -> list[str]:
        """As in ``qsub(1B)``."""
        needs, options = job.resources, job.options or PBSOptions()
        torque = options.dialect == "torque"
        lines = [
            f"-N {_short(job.name, 15 if torque else 236)}",
            "-S /bin/bash",  # else it is the user's login shell that reads the script
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
        """``qsub``, which prints the id; a site's own words may stand before it."""
        printed = self.run("qsub", script.name, cwd=script.parent)
        for line in reversed(printed.splitlines()):
            if re.fullmatch(r"\d+(\[\d*\])?(\.[\w.@:-]+)?", line.strip()):
                return line.strip()
        raise SchedulerError(f"qsub took {script}, and what it says of the id is not understood: {printed!r}.")

    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """One ``qstat``."""
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
            if printed.lstrip().startswith("<"):  # Torque has none, and -x means XML there
                self._history = False
        return parsed(printed if self._history else self.ask("qstat", "-f", *ids, forgiven=_GONE))

    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """``qdel``."""
        if jobs:
            self.run("qdel", *(job.id for job in jobs), forgiven=_GONE)

    def queues(self) -> Mapping[str, float | None]:
        """The queues, by ``qstat``; one that only passes jobs on may say nothing of what comes after it."""
        return longest_walltimes(self.run("qstat", "-Q", "-f"))


def _short(name: str, most: int) -> str:
    """The end stays, too: what makes a name unique stands there."""
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
