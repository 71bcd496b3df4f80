"""Wait for batch jobs, with one query for all jobs of a scheduler and never two queries at a time."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from math import inf

from adatom.errors import SchedulerError
from adatom.machines.outcome import Outcome, State
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.script import END_MARK

__all__ = ["watch"]

_FIRST, _LONGEST, _SLOWER = 0.2, 15.0, 1.2  # seconds between queries: after a submission, at most; their growth
# A job is lost after this many queries, and seconds, in which it was missing: a scheduler may not yet know a job that
# was just submitted, and some schedulers write down the end of a job later than they forget the job.
_FORGOTTEN, _GONE = 3, 60.0
_PATIENCE = 600.0  # seconds for which a scheduler may fail to answer


@dataclass
class _Watched:
    job: Submitted
    interval: float
    future: Future[Outcome] = field(default_factory=Future)
    missing: int = 0
    known: float = field(default_factory=time.monotonic)


class _Watch:
    """All jobs of one scheduler that this process waits for, and the thread that queries them."""

    def __init__(self, kind: Scheduler) -> None:
        self._scheduler = kind
        self._jobs: list[_Watched] = []
        self._change = threading.Condition()
        self._asking: threading.Thread | None = None
        self._pause = _FIRST
        self._asked = -inf

    def add(self, job: Submitted, interval: float) -> Future[Outcome]:
        watched = _Watched(job, interval)
        with self._change:
            self._jobs.append(watched)
            self._pause = _FIRST
            self._change.notify()
            if self._asking is None:
                self._asking = threading.Thread(target=self._ask, daemon=True)
                self._asking.start()
        return watched.future

    def _ask(self) -> None:
        heard = time.monotonic()
        while True:
            with self._change:
                self._change.wait(self._pause)
                while (left := self._asked + self._interval() - time.monotonic()) > 0:
                    self._change.wait(left)
                self._jobs = [watched for watched in self._jobs if not watched.future.cancelled()]
                if not self._jobs:
                    self._asking = None
                    return
                jobs = list(self._jobs)
                self._pause = min(_LONGEST, self._pause * _SLOWER)
            self._asked = time.monotonic()
            try:
                known = self._scheduler.poll([watched.job for watched in jobs])
                heard = time.monotonic()
            except SchedulerError as error:
                if time.monotonic() > heard + _PATIENCE:
                    self._tell(jobs, error)
                continue
            except BaseException as error:  # every caller that waits has to get the error
                self._tell(jobs, error)
                continue
            for watched in jobs:
                self._look(watched, known.get(watched.job.id))

    def _interval(self) -> float:
        """Return the seconds that lie at least between two queries, as one query is for all jobs."""
        return min((watched.interval for watched in self._jobs if not watched.future.cancelled()), default=0.0)

    def _look(self, watched: _Watched, outcome: Outcome | None) -> None:
        now = time.monotonic()
        if outcome:
            watched.missing, watched.known = 0, now
        else:
            watched.missing += 1
            marked = watched.job.script.with_suffix(END_MARK).exists()  # the end is known already
            if watched.missing >= _FORGOTTEN and (marked or now > watched.known + _GONE):
                outcome = Outcome(State.LOST, f"{self._scheduler.name} does not know the job")
        if outcome and outcome.state.ended:
            self._tell([watched], outcome)

    def _tell(self, jobs: list[_Watched], what: Outcome | BaseException) -> None:
        with self._change:
            self._jobs = [watched for watched in self._jobs if watched not in jobs]
        for watched in jobs:
            if watched.future.set_running_or_notify_cancel():
                if isinstance(what, BaseException):
                    watched.future.set_exception(what)
                else:
                    watched.future.set_result(what)


@cache
def _watch_of(kind: Scheduler, process: int) -> _Watch:  # a fork does not have its parent's threads
    return _Watch(kind)


def watch(kind: Scheduler, job: Submitted, interval: float = 0.0) -> Future[Outcome]:
    """Return a future of the outcome of a batch job.

    Parameters
    ----------
    kind
        Scheduler that runs the job.
    job
        Submitted job to wait for.
    interval
        Least time between two queries, in s. The smallest one of all jobs of the scheduler counts.

    Returns
    -------
    Future
        Future of the final outcome. It raises `SchedulerError` if the scheduler does not answer for ten minutes, which
        leaves the job as it is.
    """
    return _watch_of(kind, os.getpid()).add(job, interval)
