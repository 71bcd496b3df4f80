"""Commands as batch jobs: submission, which happens once, the wait, and the outcome."""

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
from adatom.machines.profiles.command import Command
from adatom.machines.profiles.execution import ExecutionProfile
from adatom.machines.profiles.files import load_profiles
from adatom.machines.profiles.machine import HPCProfile
from adatom.machines.record import Record, read_record, record_path
from adatom.machines.result import BatchResult, conclude
from adatom.machines.schedulers.base import scheduler
from adatom.machines.watch import watch
from adatom.settings import get_settings
from adatom.utils.files import whole_file
from adatom.utils.names import new_id
from adatom.utils.private import make_directory, share_file
from adatom.utils.trust import group_id

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

    If a process submitted the same command in this directory before, and ended before the job did, this call waits for
    that job and submits nothing.

    Parameters
    ----------
    command, execution, machine
        Profiles of the program, of its resources and of the machine, or the names of some that `load_profiles` finds.
    work_dir
        Directory that the job runs in; it is created if needed. The script and the output get unique names in it. If
        the machine has a host to log in to, and no shared files, the files of this directory are copied there, and the
        files that the job makes or changes are copied back.
    args
        Arguments of the program, after those of the command's profile.
    name
        Prefix of the names of the job and its files. None: the name of the command.
    check
        Whether to raise an error unless the job succeeds.
    dry_run
        Whether to return the script and do nothing else.
    cancel
        Whether to cancel the job if the wait is interrupted. Otherwise the job goes on, and the next call waits for it.
    **overrides
        New values for keys of the execution profile, for this call: `nodes`, `ranks_per_node`, `threads_per_rank`,
        `walltime`, `launcher`, `launcher_options`, `modules`, `pre_commands`, `post_commands`, `environment`.

    Returns
    -------
    BatchResult or str
        Job that has ended, or the script of a dry run.

    Raises
    ------
    InputError
        A profile does not exist or does not fit, or the job asks for more than the queue gives.
    SchedulerError
        The scheduler refuses the job, or does not answer for ten minutes.
    BatchJobError
        The job did not succeed, and `check` is set; ``.result`` of the error is the job.
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
    """Run a command as a batch job, like `run_command`, without blocking the event loop.

    Parameters
    ----------
    command, execution, machine, work_dir, args, name, check, dry_run, cancel, **overrides
        Same as in `run_command`.
    """
    run = Run(command, execution, machine, work_dir, args, overrides, name)
    if dry_run:
        return run.text
    starting = asyncio.ensure_future(asyncio.to_thread(run.start))
    try:
        outcome = await asyncio.wrap_future(await asyncio.shield(starting))
    except BaseException:
        await asyncio.wait([starting])  # the submission may be under way
        await asyncio.to_thread(run.leave, cancel)
        raise
    return await asyncio.to_thread(run.finish, outcome, check)


class Run:
    """One call of `run_command`, which is checked when it is created and submitted when it is started.

    Parameters
    ----------
    command, execution, machine, work_dir, args
        Same as in `run_command`.
    overrides
        New values for keys of the execution profile.
    name
        Same as in `run_command`.
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
        # A second call with the same script in one directory means the same job.
        same = blake2b(f"{self._machine.name}\0{self._scheduler.script(job)}".encode(), digest_size=16).hexdigest()
        self._path = record_path(directory, same)
        self._job = replace(job, name=f"{name}-{new_id()[:8]}")
        if self._machine.host and not self._machine.shared_files:
            self._job = replace(self._job, work_dir=Path(self._machine.remote_dir) / self._job.name)
        self._future: Future[Outcome] | None = None
        self.record: Record | None = None

    @property
    def text(self) -> str:
        """Text of the script."""
        return self._scheduler.script(self._job)

    def submit(self) -> Record:
        """Submit the job, unless an earlier call has submitted it, and return its record.

        Raises
        ------
        SchedulerError
            The scheduler refuses the job.
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
        gid = group_id(get_settings().cache_group)
        make_directory(self._path.parent, gid)
        script = job.name + self._scheduler.suffix
        with whole_file(self._work_dir / script, 0o600) as file:  # arguments and variables may be secrets
            share_file(file.fileno(), gid)
            file.write(self.text.encode())
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
        """Yield the directory of the files for the scheduler. Copies on a host are removed if the submission fails."""
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
        """Submit the job as `submit` does, and return a future of the outcome that the scheduler gives."""
        record = self.submit()
        self._future = watch(record.scheduler, record.job)
        return self._future

    def leave(self, cancel: bool) -> None:
        """Stop waiting for the job, if the wait has begun.

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
        """Return the job that has ended, as `conclude` does.

        Parameters
        ----------
        outcome, check
            Same as in `conclude`.
        """
        assert self.record is not None
        return conclude(self.record, outcome, check)
