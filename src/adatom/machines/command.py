"""A command as a batch job: submitted once, waited for, and told the truth about."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from adatom.directories import new_id
from adatom.errors import BatchJobError, InputError, StorageError
from adatom.machines.outcome import Outcome, State
from adatom.machines.plan import plan
from adatom.machines.profiles import Command, ExecutionProfile, HPCProfile, load_profiles
from adatom.machines.schedulers.base import Submitted, scheduler
from adatom.machines.script import BatchJob
from adatom.machines.watch import watch
from adatom.whole_file import whole_file

__all__ = ["BatchResult", "run_command", "run_command_async"]

_RECORDS = ".adatom-jobs"  # in the working directory: a file for each job that nobody has been told the end of
_LATE = 10.0  # seconds that the end mark may need to be seen here, on a network file system
_TAIL = 20  # lines of the errors that an error shows


@dataclass(frozen=True)
class BatchResult:
    """A batch job that has ended.

    Attributes
    ----------
    id
        As the scheduler calls it.
    name
        Of the job and its files.
    outcome
        What became of it, and its figures.
    script, stdout, stderr
        The files.
    """

    id: str
    name: str
    outcome: Outcome
    script: Path
    stdout: Path
    stderr: Path

    @property
    def ok(self) -> bool:
        """Whether it succeeded: its scheduler says so, its exit status is 0, and it has written its end mark."""
        return self.outcome.ok


def run_command(
    command: Command | str,
    execution: ExecutionProfile | str,
    machine: HPCProfile | str,
    work_dir: Path | str = ".",
    args: Sequence[Any] = (),
    *,
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
        Where it runs; it is made if it is not there. Script and output get names of their own in it.
    args
        Arguments after those that the command always has.
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
    run = _Run(command, execution, machine, work_dir, args, overrides)
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
    check: bool = True,
    dry_run: bool = False,
    cancel: bool = False,
    **overrides: Any,
) -> BatchResult | str:
    """`run_command`, for ``await``.

    Parameters
    ----------
    command, execution, machine, work_dir, args, check, dry_run, cancel, **overrides
        As there.
    """
    run = _Run(command, execution, machine, work_dir, args, overrides)
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


class _Run:
    """One call of `run_command`."""

    def __init__(
        self,
        command: Command | str,
        execution: ExecutionProfile | str,
        machine: HPCProfile | str,
        work_dir: Path | str,
        args: Sequence[Any],
        overrides: dict[str, Any],
    ) -> None:
        if isinstance(args, str):
            raise InputError(f"args={args!r}: give a list of arguments.")
        known = cache(load_profiles)
        command = known().command(command) if isinstance(command, str) else command
        execution = known().execution(execution) if isinstance(execution, str) else execution
        machine = known().machine(machine) if isinstance(machine, str) else machine
        self._directory = Path(os.path.abspath(Path(work_dir).expanduser()))
        self._scheduler = scheduler(machine.scheduler)
        where = plan("name", command, execution, machine, self._directory, args, overrides)
        # Of two calls with the same script in one directory the second means the same job.
        same = blake2b(f"{machine.name}\0{self._scheduler.script(where)}".encode(), digest_size=16).hexdigest()
        self._record = self._directory / _RECORDS / f"{same}.json"
        self._future: Future[Outcome] | None = None
        self._use(replace(where, name=f"{command.name}-{new_id()[:8]}"))

    def _use(self, job: BatchJob) -> None:
        self._job = job
        self._script = self._directory / f"{job.name}{self._scheduler.suffix}"
        self._id = ""

    @property
    def text(self) -> str:
        """The script."""
        return str(self._scheduler.script(self._job))

    def start(self) -> Future[Outcome]:
        """Submit the job, or find the one that an earlier process has submitted."""
        try:
            self._record.parent.mkdir(parents=True, exist_ok=True)
            known = json.loads(self._record.read_bytes()) if self._record.exists() else None
            if known:
                self._use(replace(self._job, name=known["name"]))
                self._id = known["id"]
            else:
                text = self.text
                self._script.write_text(text)
                self._id = self._scheduler.submit(self._script)
                self._write()  # before anything else can fail
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(f"Cannot write in {self._directory}: {error.strerror or error}.") from error
        self._future = watch(self._scheduler.name, self._submitted)
        return self._future

    @property
    def _submitted(self) -> Submitted:
        return Submitted(self._id, self._script, self._job.resources.walltime)

    def _write(self) -> None:
        with whole_file(self._record) as file:
            file.write(json.dumps({"id": self._id, "name": self._job.name, "submitted": time.time()}).encode())

    def leave(self, cancel: bool) -> None:
        """Stop waiting, if it has begun."""
        if self._future:
            self._future.cancel()
        if self._id and cancel:
            self._scheduler.cancel([self._submitted])
            self._record.unlink(missing_ok=True)

    def finish(self, outcome: Outcome, check: bool) -> BatchResult:
        """Compare what the scheduler says with what the script says, and tell it."""
        outcome = self._checked(outcome)
        self._record.unlink(missing_ok=True)
        files = (self._directory / name for name in (self._job.stdout, self._job.stderr))
        result = BatchResult(self._id, self._job.name, outcome, self._script, *files)
        if check and not result.ok:
            raise BatchJobError(_message(result), result)
        return result

    def _checked(self, outcome: Outcome) -> Outcome:
        """The outcome, in the light of the end mark."""
        mark = self._directory / self._job.end_mark
        if outcome.state not in (State.SUCCEEDED, State.LOST):
            return outcome
        late = time.monotonic() + _LATE
        while not mark.exists() and outcome.state is State.SUCCEEDED and time.monotonic() < late:
            time.sleep(0.2)
        status = int(mark.read_text()) if mark.exists() else None
        if outcome.state is State.LOST:  # the scheduler has forgotten it, and its script has not
            if status is None:
                return outcome
            return replace(outcome, state=State.FAILED if status else State.SUCCEEDED, exit_code=status)
        if status is None:
            return replace(outcome, state=State.FAILED, cause="the script did not come to its end")
        return outcome if status == 0 else replace(outcome, state=State.FAILED, exit_code=status)


def _message(result: BatchResult) -> str:
    said = {key: value for key, value in asdict(result.outcome).items() if value not in (None, "", 0)}
    said.pop("state")
    figures = ", ".join(f"{key} {value}" for key, value in said.items())
    try:
        tail = result.stderr.read_text(errors="replace").splitlines()[-_TAIL:]
    except OSError:
        tail = []
    first = f"The batch job {result.id} ({result.name}): {result.outcome.state}"
    return "\n".join([f"{first} ({figures})." if figures else f"{first}.", f"Its files: {result.script.parent}", *tail])
