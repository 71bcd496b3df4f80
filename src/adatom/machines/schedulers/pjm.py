"""Scheduler PJM of Fugaku and other machines of Fujitsu."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from adatom.errors import SchedulerError
from adatom.machines.model import Line, Model, Word
from adatom.machines.outcome import Outcome, State
from adatom.machines.resources import parse_memory
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.script import BatchJob
from adatom.utils.durations import clock, parse_duration

__all__ = ["PJM", "PJMOptions"]


class PJMOptions(Model):
    """Options that only PJM knows.

    Attributes
    ----------
    rscunit
        Resource unit, as in ``-L rscunit=``. None: the default of the site.
    gfscache
        Volumes that a job reads or writes, such as ``["/vol0004"]``: Fugaku rejects a job that uses others.
    restart
        Whether PJM runs a job again that lost its node.
    spack
        Packages to load with ``spack load``, before `pre_commands`.
    spack_setup
        File that makes ``spack`` known to a shell, such as ``/vol0004/apps/oss/spack/share/spack/setup-env.sh``. None:
        ``spack`` is known without it.
    """

    rscunit: Word | None = None
    gfscache: tuple[Annotated[str, Field(pattern=r"^/[\w/-]+$")], ...] = ()
    restart: bool = False
    spack: tuple[Line, ...] = ()
    spack_setup: Line | None = None


# Columns of `pjstat`. The reason is last, because it may hold a comma.
_COLUMNS = ("jid", "st", "ec", "pc", "sn", "elp", "mmszu", "nidlu", "ermsg")
_HISTORY = "day=90"  # the time that Fugaku remembers; without it `-H` shows less

# States of PJM. A job in a state that is in neither table waits. HLD is an end only if an error holds the job, not if
# the user does.
_ENDS = {"EXT": State.SUCCEEDED, "CCL": State.CANCELLED, "RJT": State.REJECTED, "ERR": State.FAILED}
_RUNS = frozenset({"RNP", "RUN", "RNE", "RNO", "SPP", "SPD", "RSM"})
_NO_CODE, _BY_PJHOLD = ("0", "-", ""), "4"

# PJM codes ("Job manager exit code" in Fugaku's user guide) that say more than the state: a job that was ended at its
# limit of time or memory is EXT, with exit code 0.
_CODES = {
    "1": (State.CANCELLED, "pjdel"),
    "9": (State.NODE_FAILURE, "the job manager was set up anew, and the job must not be run again"),
    "11": (State.TIMEOUT, "elapsed time limit"),
    "12": (State.OUT_OF_MEMORY, "memory limit"),
    "13": (State.FAILED, "disk limit"),
    "16": (State.FAILED, "its directory or output could not be accessed"),
    "18": (State.PREEMPTED, "ended beyond its minimum time for another job or a deadline"),
    "20": (State.NODE_FAILURE, "node down"),
    "21": (State.FAILED, "the shell could not be started"),
    "22": (State.NODE_FAILURE, "interconnect error"),
    "23": (State.OUT_OF_MEMORY, "ended by the OOM killer"),
    "25": (State.NODE_FAILURE, "HA failure"),
    "26": (State.FAILED, "error in prologue or epilogue"),
}


class PJM(Scheduler):
    """Scheduler PJM, by ``pjsub``, ``pjstat`` and ``pjdel``."""

    name: ClassVar[str] = "pjm"
    suffix: ClassVar[str] = ".pjm"
    prefix: ClassVar[str] = "#PJM"
    commands: ClassVar[tuple[str, ...]] = ("pjsub", "pjstat", "pjdel")
    options_type: ClassVar[type[Model]] = PJMOptions

    def directives(self, job: BatchJob) -> list[str]:
        """Return the directives, which are options of ``pjsub(1)``."""
        needs, options = job.resources, job.options or PJMOptions()
        if needs.gpus_per_node:
            raise self.cannot(f"gpus_per_node={needs.gpus_per_node}", "Set it to 0, or name another machine.")
        lines = [f"--name {job.name}", f"-o {job.stdout}", f"-e {job.stderr}", "-S", f"--spath {job.name}.stats"]
        lines += [f"-L node={needs.nodes}", f"--mpi max-proc-per-node={needs.ranks_per_node}"]
        lines.append("--restart" if options.restart else "--norestart")
        if needs.memory is not None:
            lines.append(f"-L node-mem={-(-needs.memory // 2**20)}Mi")
        if needs.walltime is not None:
            lines.append(f"-L elapse={clock(needs.walltime)}")
        named = {"-L rscgrp=": job.queue, "-L rscunit=": options.rscunit, "-g ": job.account}
        named["-x PJM_LLIO_GFSCACHE="] = ":".join(options.gfscache)
        return [*lines, *(f"{name}{value}" for name, value in named.items() if value)]

    def script(self, job: BatchJob) -> str:
        """Return the whole script, with ``spack load`` between the modules and `pre_commands`."""
        options = job.options or PJMOptions()
        lines = [f". {shlex.quote(options.spack_setup)}"] if options.spack_setup else []
        lines += [f"spack load {shlex.quote(package)}" for package in options.spack]
        return super().script(replace(job, pre_commands=[*lines, *job.pre_commands]))

    def submit(self, script: Path) -> str:
        """Submit with ``pjsub``, which prints the id in a sentence."""
        printed = self.run("pjsub", script.name, script=script, with_errors=True)
        found = re.search(r"pjsub Job (\d+) submitted", printed)
        if not found:
            raise SchedulerError(f"pjsub was given {script}, and what it says of an id is not understood: {printed!r}.")
        return found[1]

    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """Ask with one ``pjstat`` for jobs that wait or run, and with one ``pjstat -H`` for jobs that have ended."""
        ids = [job.id for job in jobs]
        # The query is for all jobs of the user: with a list, one job that PJM has forgotten may make it an error.
        found = {row["jid"]: _outcome(row) for row in self._rows() if row["jid"] in ids}
        if ended := [id for id in ids if id not in found]:
            rows = self._rows("-H", _HISTORY, "--filter", f"jid={'+'.join(ended)}")
            found |= {row["jid"]: _outcome(row) for row in rows if row["jid"] in ended}
        return found

    def _rows(self, *which: str) -> list[dict[str, str]]:
        # The format has commas, since in a table START_DATE holds a space and REASON is cut. `-s` has all the columns.
        printed = self.ask("pjstat", "-s", "--data", f"--choose={','.join(_COLUMNS)}", *which)
        lines = [line for line in printed.splitlines() if line.strip() and not line.startswith("[INFO]")]
        rows = [[cell.strip(' "') for cell in line.split(",", len(_COLUMNS))] for line in lines]
        if any(len(row) != len(_COLUMNS) + 1 for row in rows):
            raise SchedulerError(f"pjstat prints a table that is not understood: {printed[:200]!r}.")
        return [dict(zip(_COLUMNS, cells, strict=True)) for mark, *cells in rows if not mark]

    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """End the jobs with ``pjdel``, which complains about jobs that have ended and ends the others."""
        try:
            if jobs:
                self.run("pjdel", *(job.id for job in jobs))
        except SchedulerError as error:
            if not 0 < str(error).count("[ERR.]") == str(error).count("does not exist"):
                raise


def _outcome(row: Mapping[str, str]) -> Outcome:
    id, native, code, reason = row["jid"], row["st"], row["pc"], row["ermsg"].strip("-")
    if native == "HLD" and code in (*_NO_CODE, _BY_PJHOLD):
        return Outcome(State.QUEUED, f"held: `pjrls {id}` lets it go on, `pjdel {id}` ends it", native)
    if native not in (*_ENDS, "HLD"):
        return Outcome(State.RUNNING if native in _RUNS else State.QUEUED, reason, native)
    exit_code, signal = (int(row[name]) if row[name].isdigit() else None for name in ("ec", "sn"))
    state, words = _verdict(native, code, exit_code == 0 and not signal)
    elapsed, memory = _figure(row["elp"], parse_duration), _figure(row["mmszu"], parse_memory)
    return Outcome(state, reason or words, native, exit_code, signal, elapsed, memory, row["nidlu"].strip("-"))


def _verdict(native: str, code: str, exited_well: bool) -> tuple[State, str]:
    state = _ENDS.get(native, State.FAILED)
    if code in _NO_CODE:
        return State.FAILED if state is State.SUCCEEDED and not exited_well else state, ""
    return _CODES.get(code, (State.FAILED if state is State.SUCCEEDED else state, f"PJM code {code}"))


def _figure(text: str, parse: Callable[[str], float]) -> int | None:
    """Parse ``0000:01:41``, ``00:01:41 (101)`` or ``67.4 MiB (70582272)``. The number in brackets is exact."""
    if found := re.search(r"\((\d+)\)", text):
        return int(found[1])
    try:
        return int(parse(text))
    except ValueError:
        return None
