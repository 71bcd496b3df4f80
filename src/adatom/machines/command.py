"""A command as a batch job: submitted once, waited for, and told the truth about."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from adatom.errors import InputError, SchedulerError, StorageError
from adatom.machines.host import Host
from adatom.machines.model import checked_name
from adatom.machines.outcome import Outcome
from adatom.machines.plan import plan
from adatom.machines.profiles import Command, ExecutionProfile, HPCProfile, load_profiles
from adatom.machines.record import Record, read_record, record_path
from adatom.machines.result import BatchResult, conclude
from adatom.machines.schedulers.base import scheduler
from adatom.machines.watch import watch
from adatom.utils.names import new_id

__all__ = ["Run", "run_command", "run_command_async"]


def run_command(
    command: Command | str,
    execution: ExecutionProfile | str,
    machine: HPCProfile | str,
    work_dir: Path | str = ".",
    args: Sequence[Any] = (),
    *,
    name: str | None = None,
    check: bool = True,
    dry_run: bool = False,
    cancel: bool = False,
    **overrides: Any,
) -> BatchResult | str:
    """Run a command as a batch job, and wait for its end.

    Where the same command was submitted in this directory before, by a process that ended before the job did, that job
    is waited for and nothing is submitted.

    Parameters
    ----------
    command, execution, machine
        What to run, how and where: profiles, or the names of some that `load_profiles` finds.
    work_dir
        Where it runs; it is made if it is not there. Script and output get names of their own in it. With a machine
        that one logs in to all its files are copied there, and come back with what the job made.
    args
        Arguments after those that the command always has.
    name
        How the names of the job and its files begin; None: as the command is called.
    check
        Whether anything but success is an error.
    dry_run
        Whether to return the script and do nothing else.
    cancel
        Whether to cancel the job if the wait is interrupted; else it goes on, and the next call waits for it.
    **overrides
        Other values for this call: `nodes`, `ranks_per_node`, `threads_per_rank`, `walltime`, `launcher`,
        `launcher_options`, `modules`, `pre_commands`, `environment`.

    Returns
    -------
    BatchResult or str
        The job, or the script of a dry run.

    Raises
    ------
    InputError
        A profile does not exist or does not fit, or asks for what the queue does not give.
    SchedulerError
        The scheduler refuses the job, or has not answered for ten minutes.
    BatchJobError
        The job did not succeed; ``.result`` says all.
    """
    run = Run(command, execution, machine, work_dir, args, overrides, name)
    if dry_run:
        return run.text
    try:
        outcome = run.start().result()
    except BaseException:
        run.leave(cancel)
        raise
    return run.finish(outcome, check)


async def run_command_async(
    command: Command | str,
    execution: ExecutionProfile | str,
    machine: HPCProfile | str,
    work_dir: Path | str = ".",
    args: Sequence[Any] = (),
    *,
    name: str | None = None,
    check: bool = True,
    dry_run: bool = False,
    cancel: bool = False,
    **overrides: Any,
) -> BatchResult | str:
    """`run_command`, for ``await``.

    Parameters
    ----------
    command, execution, machine, work_dir, args, name, check, dry_run, cancel, **overrides
        As there.
    """
    run = Run(command, execution, machine, work_dir, args, overrides, name)
    if dry_run:
        return run.text
    starting = asyncio.ensure_future(asyncio.to_thread(run.start))
    try:
        outcome = await asyncio.wrap_future(await asyncio.shield(starting))
    except BaseException:
        await asyncio.wait([starting])  # it may be on its way to the scheduler
        await asyncio.to_thread(run.leave, cancel)
        raise
    return await asyncio.to_thread(run.finish, outcome, check)


class Run:
    """One call of `run_command`: checked when it is made, and submitted when it is started.

    Parameters
    ----------
    command, execution, machine, work_dir, args
        As there.
    overrides
        Other values for keys of the execution profile.
    name
        As there.
    """

    def __init__(
        self,
        command: Command | str,
        execution: ExecutionProfile | str,
        machine: HPCProfile | str,
        work_dir: Path | str,
        args: Sequence[Any],
        overrides: dict[str, Any],
        name: str | None = None,
    ) -> None:
        if isinstance(args, str):
            raise InputError(f"args={args!r}: give a list of arguments.")
        known = cache(load_profiles)
        command = known().command(command) if isinstance(command, str) else command
        execution = known().execution(execution) if isinstance(execution, str) else execution
        self._machine = known().machine(machine) if isinstance(machine, str) else machine
        directory = Path(os.path.abspath(Path(work_dir).expanduser()))
        self._scheduler = scheduler(self._machine.scheduler, self._machine.host)
        self._work_dir = directory
        name = command.name if name is None else checked_name(name)
        job = plan(name, command, execution, self._machine, directory, args, overrides)
        # Of two calls with the same script in one directory the second means the same job.
        same = blake2b(f"{self._machine.name}\0{self._scheduler.script(job)}".encode(), digest_size=16).hexdigest()
        self._path = record_path(directory, same)
        self._job = replace(job, name=f"{name}-{new_id()[:8]}")
        if self._machine.host and not self._machine.shared_files:
            self._job = replace(self._job, work_dir=Path(self._machine.remote_dir) / self._job.name)
        self._future: Future[Outcome] | None = None
        self.record: Record | None = None

    @property
    def text(self) -> str:
        """The script."""
        return self._scheduler.script(self._job)

    def submit(self) -> Record:
        """Submit the job, or find the one that was submitted before.

        Raises
        ------
        SchedulerError
            The scheduler refuses it.
        StorageError
            The directory cannot be written to.
        """
        try:
            self.record = read_record(self._path) or self._submitted()
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(f"Cannot write in {self._work_dir}: {error.strerror or error}.") from error
        return self.record

    def _submitted(self) -> Record:
        job, machine = self._job, self._machine
        if machine.host:
            Host(machine.host).check()  # before anything is written
        self._path.parent.mkdir(parents=True, exist_ok=True)
        script = job.name + self._scheduler.suffix
        (self._work_dir / script).write_text(self.text)
        with self._files() as place:
            id = self._scheduler.submit(place / script)
        record = Record(
            self._path,
            id,
            job.name,
            machine.name,
            self._scheduler.name,
            time.time(),
            job.resources.walltime,
            machine.host,
            None if place == self._work_dir else str(place),
        )
        record.write()  # before anything else can fail
        return record

    @contextmanager
    def _files(self) -> Iterator[Path]:
        """Where the scheduler finds the files; elsewhere they are removed again if it refuses the job."""
        place = self._job.work_dir
        if place == self._work_dir or self._machine.host is None:
            yield place
            return
        host = Host(self._machine.host)
        try:
            host.send(self._work_dir, place, self._path.parent.name)
            yield place
        except BaseException:
            with suppress(SchedulerError):
                host.remove(place)
            raise

    def start(self) -> Future[Outcome]:
        """`submit`, and a future of what the scheduler says of the end."""
        record = self.submit()
        self._future = watch(record.scheduler, record.job)
        return self._future

    def leave(self, cancel: bool) -> None:
        """Stop waiting, if it has begun.

        Parameters
        ----------
        cancel
            Whether to cancel the job, too.
        """
        if self._future:
            self._future.cancel()
        if self.record and cancel:
            self.record.scheduler.cancel([self.record.job])
            self.record.forget()

    def finish(self, outcome: Outcome, check: bool) -> BatchResult:
        """`conclude`.

        Parameters
        ----------
        outcome, check
            As there.
        """
        assert self.record is not None
        return conclude(self.record, outcome, check)
