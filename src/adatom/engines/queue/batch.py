"""Batch jobs whose workers do the tasks of a spool."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Container, Mapping
from concurrent.futures import Future
from contextlib import suppress

from adatom.engines.queue.spool import Spool
from adatom.engines.queue.worker import DIED, NO_MEMORY
from adatom.errors import InputError, SchedulerError, StorageError
from adatom.execution.registry import announce
from adatom.machines.allocation import job_of_workers, lifetime
from adatom.machines.outcome import Outcome, State
from adatom.machines.profiles.machine import HPCProfile
from adatom.machines.profiles.runner import RunnerProfile
from adatom.machines.record import Record, read_records, record_path
from adatom.machines.schedulers.base import Submitted, scheduler
from adatom.machines.script import STDERR, BatchJob
from adatom.machines.watch import watch
from adatom.utils.names import new_id

__all__ = ["BatchJobs", "end_batch_jobs", "submitted"]

_WORTHWHILE = 60.0  # seconds of work for each worker of a further batch job, which waits in a queue
_LOSSES = 3  # batch jobs that may end with a task before it counts as a death of its worker
_STARTS = 3  # batch jobs in a row that may end before their workers begin, and submissions that may fail
_PATIENCE = 3.0  # seconds for cancelled batch jobs to end; the next process looks for the others
_GRACE = 60.0  # seconds that a batch job may take to end after its walltime
_PAUSE = 2.0  # seconds before the next submission after one that failed
_NO_MEMORY = str(NO_MEMORY)
_HINTS = {
    State.TIMEOUT: "Give the runner profile a longer walltime, or retry.timeout.",
    State.OUT_OF_MEMORY: "Give the runner profile more memory, or retry.out_of_memory.",
}
# Ends that are no fault of a task: it is done by the next batch job.
_NOT_TO_BLAME = (State.TIMEOUT, State.PREEMPTED, State.NODE_FAILURE, State.LOST, State.SUCCEEDED, State.FAILED)


class BatchJobs:
    """Batch jobs of one spool: submitted as there is work, looked after, and replaced when they end before it is done.

    Parameters
    ----------
    spool
        Directory of the tasks, in which the scripts of the batch jobs are, too.
    runner
        Profile of the workers.
    machine
        Profile of the machine that the batch jobs run on.
    most
        Largest number of batch jobs at a time.
    idle
        Seconds without a task after which a worker ends.

    Raises
    ------
    InputError
        The profile asks for more than a queue gives.
    """

    def __init__(self, spool: Spool, runner: RunnerProfile, machine: HPCProfile, most: int, idle: float) -> None:
        self.spool, self.runner, self.machine, self.most, self.idle = spool, runner, machine, most, idle
        self._scheduler = scheduler(machine.scheduler, machine.host)
        self._given = job_of_workers(runner, machine)
        self._sizes: dict[str, RunnerProfile] = {}  # profiles of the batch jobs that this process has submitted
        self._watched: dict[str, tuple[Record, Future[Outcome]]] = {}
        self._losses: Counter[str] = Counter()
        self._unknown: dict[tuple[str, str], float] = {}  # tasks of batch jobs that nobody knows, and since when
        self._failed = 0
        self._next = 0.0
        self._since = math.inf  # time at which there were too few tasks for all batch jobs
        self.broken = ""

    @property
    def slots(self) -> int:
        """Number of tasks that are done at the same time when all batch jobs run."""
        return self.most * self.runner.jobs_per_node

    @property
    def finds_what_python_finds(self) -> bool:
        """True if nothing in the set-up of a batch job lets its workers find other modules than their Python."""
        variables = {*self._given["environment"], *self._given["shell_environment"]}
        return not (self._given["modules"] or self._given["pre_commands"] or "PYTHONPATH" in variables)

    @property
    def script(self) -> str:
        """Text of the script of a batch job."""
        return self._scheduler.script(self._job("adatom-workers"))

    def _job(self, name: str) -> BatchJob:
        walltime = self.runner.walltime
        seconds = 0.0 if walltime is None else lifetime(walltime)[0]
        script = name + self._scheduler.suffix
        words = ["worker.py", "workers", ".", name, self.runner.jobs_per_node, self.idle, seconds, script]
        return BatchJob(
            name=name, work_dir=self.spool.place, command=[self.spool.python, *map(str, words)], **self._given
        )

    def look_after(self, waiting: int, taken: Mapping[str, str], seconds: float) -> None:
        """Answer for the tasks of batch jobs that have ended, and submit batch jobs for tasks.

        Parameters
        ----------
        waiting
            Number of tasks that wait.
        taken
            Names of the tasks that are being done, each with the name of its slot.
        seconds
            Time that all of them may take, one after the other; infinite: unknown.
        """
        recorded = {record.name: record for record in read_records(self.spool.path)}  # also those of other processes
        for name in self._watched.keys() - recorded.keys():  # another process has seen its end
            self._watched.pop(name)[1].cancel()
        for name in recorded.keys() - self._watched.keys():
            self._watch(recorded[name])
        # The scheduler may say so a quarter of a minute later.
        over = "0", _NO_MEMORY
        ended = [each for each in self._watched.values() if each[1].done() or self.spool.end_mark(each[0].name) in over]
        for record, future in ended:
            with suppress(SchedulerError, StorageError):  # a host that does not answer now is asked again
                self._ended(record, future)
                del self._watched[record.name]
        if ended:
            return  # some tasks may have failed: the next look counts those that are left
        self._take_from_unknown(taken, recorded)
        wanted = self._wanted(waiting + len(taken), seconds)
        while len(self._watched) < wanted and not self.broken and time.monotonic() > self._next:
            self._submit()

    def _wanted(self, tasks: int, seconds: float) -> int:
        """Return the number of batch jobs that the tasks are worth, as long as they take no longer than expected."""
        most = min(self.most, -(-tasks // self.runner.jobs_per_node))
        if not tasks or seconds == math.inf:
            self._since = math.inf
            return most
        wanted = min(most, max(1, math.ceil(seconds / (self.runner.jobs_per_node * _WORTHWHILE))))
        if wanted == most or time.monotonic() > self._since + 2 * _WORTHWHILE:
            return most
        if self._since == math.inf:
            self._since = time.monotonic()
            announce(
                f"queue: {tasks} tasks that take some {seconds:.3g} s in all, as earlier jobs did, get {wanted} "
                f"batch job{'s' * (wanted > 1)}, not {most}."
            )
        return wanted

    def _take_from_unknown(self, taken: Mapping[str, str], recorded: Container[str]) -> None:
        """Put tasks back that a batch job took of which nobody knows, when its walltime must be over."""
        if self.runner.walltime is None:
            return
        unknown = {(name, job) for name, slot in taken.items() if (job := slot.rpartition(".")[0]) not in recorded}
        now = time.monotonic()
        self._unknown = {each: self._unknown.get(each, now) for each in unknown}
        for (name, job), since in self._unknown.items():
            if now > since + self.runner.walltime + _GRACE:
                self.spool.put_back(name, job)

    def _watch(self, record: Record) -> None:
        self._watched[record.name] = (
            record,
            watch(record.scheduler, submitted(self.spool, record), self.runner.poll_interval or 0.0),
        )

    def _submit(self) -> None:
        job = self._job(f"adatom-{new_id()[:8]}")
        text = self._scheduler.script(job).encode()
        try:
            script = self.spool.script(job.name + self._scheduler.suffix, text)
        except (SchedulerError, StorageError):  # not now; of a host that does not answer for long, the spool tells
            self.spool.forget(job.name, files=True)
            self._next = time.monotonic() + _PAUSE
            return
        try:
            id = self._scheduler.submit(script)
        except SchedulerError as error:
            self.spool.forget(job.name, files=True)
            self._next = time.monotonic() + _PAUSE
            self._fail(str(error))
            return
        machine, walltime = self.machine, job.resources.walltime
        path = record_path(self.spool.path, job.name)
        record = Record(path, id, job.name, machine.name, self._scheduler.name, time.time(), walltime, machine.host)
        try:
            record.write()  # before anything else can fail
        except OSError:  # no process would ever look after it
            self._scheduler.cancel([submitted(self.spool, record)])
            raise
        self._sizes[job.name] = self.runner
        self._watch(record)

    def _fail(self, reason: str) -> None:
        self._failed += 1
        if self._failed >= _STARTS:
            self.broken = reason

    def _ended(self, record: Record, future: Future[Outcome]) -> None:
        try:
            outcome = future.result() if future.done() else Outcome(State.SUCCEEDED)
        except SchedulerError as error:
            self.broken = str(error)
            return
        orphans = self.spool.orphans(record.name)
        begun = any(slot.rpartition(".")[0] == record.name for slot in self.spool.slots())
        missed = not begun and record.name in self._sizes
        said = self._scheduler.host.tail(self.spool.place / (record.name + STDERR), 2000) if missed else ""
        # From here on the host is not asked, so that all or nothing of it is done.
        if self.spool.end_mark(record.name) == _NO_MEMORY:
            outcome = Outcome(State.OUT_OF_MEMORY, "the kernel killed its worker")  # not every scheduler says so
        if begun:
            self._failed = 0
        elif missed:
            why = f"batch job {record.id} ended before its workers began: {outcome.state}. {outcome.cause} {said}"
            self._fail(" ".join(why.split()))
        again, why = self._next_size(record, outcome) if orphans else (False, "")
        for name in orphans:
            self._losses[name] += 1
            if again and self._losses[name] < _LOSSES:
                self.spool.put_back(name, record.name)
            else:
                hint = why or _HINTS.get(outcome.state, "")
                parts = f"its batch job {record.id} ended: {outcome.state}", outcome.cause.rstrip(". "), hint
                self.spool.settle(name, DIED, " ".join(". ".join(filter(None, parts)).split()))
        future.cancel()  # the wait for it
        _forget(self.spool, record, files=outcome.ok)

    def _next_size(self, record: Record, outcome: Outcome) -> tuple[bool, str]:
        """Return whether a later batch job is to do the tasks, or why not. It may be larger, as the profile says."""
        size = self._sizes.get(record.name, self.runner)
        larger = size.grown(outcome.state.name.lower())
        if larger is None or size is not self.runner:  # in the second case later batch jobs are larger already
            return larger is not None or outcome.state in _NOT_TO_BLAME, ""
        try:
            self._given = job_of_workers(larger, self.machine)
        except InputError as error:
            return outcome.state in _NOT_TO_BLAME, f"It cannot be larger: {error}"
        self.runner = larger
        return True, ""

    def cancel(self) -> None:
        """End all batch jobs of the spool, which have no task."""
        with suppress(SchedulerError):
            end_batch_jobs(self.spool, _PATIENCE)


def end_batch_jobs(spool: Spool, patience: float) -> list[Record]:
    """End the batch jobs of a spool, and remove their files.

    Parameters
    ----------
    spool
        Directory of the tasks.
    patience
        Seconds for the batch jobs to end.

    Returns
    -------
    list of Record
        Batch jobs that have not ended by then.

    Raises
    ------
    SchedulerError
        The scheduler does not answer.
    """
    left = list(read_records(spool.path))
    if left:
        left[0].scheduler.cancel([submitted(spool, record) for record in left])  # a spool is that of one machine
    deadline = time.monotonic() + patience
    while left:
        known = left[0].scheduler.poll([submitted(spool, record) for record in left])
        for record in left[:]:
            if record.id not in known or known[record.id].state.ended:
                left.remove(record)
                _forget(spool, record, files=True)
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return left


def _forget(spool: Spool, record: Record, files: bool) -> None:
    record.forget()
    spool.forget(record.name, files)


def submitted(spool: Spool, record: Record) -> Submitted:
    """Return a batch job of a spool as its scheduler sees it.

    Parameters
    ----------
    spool
        Directory of the tasks.
    record
        Record of the batch job.
    """
    place = spool.known_place or spool.place
    return Submitted(record.id, place / record.script.name, record.walltime)
