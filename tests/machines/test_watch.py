"""Waiting for batch jobs."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from adatom.machines.outcome import Outcome, State
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.watch import watch


class Slow(Scheduler):
    """Ends all its jobs at the given query."""

    name, suffix = "slow", ".sh"

    def __init__(self, queries):
        self.queries, self.asked = queries, []

    def directives(self, job):
        return []

    def submit(self, script):
        raise NotImplementedError

    def cancel(self, jobs):
        raise NotImplementedError

    def poll(self, jobs):
        self.asked.append((time.monotonic(), {job.id for job in jobs}))
        state = State.SUCCEEDED if len(self.asked) == self.queries else State.RUNNING
        return {job.id: Outcome(state) for job in jobs}


def submitted(number):
    return Submitted(f"{number}", Path(f"{number}.sh"))


def test_one_query_for_all_jobs():
    kind = Slow(2)
    futures = [watch(kind, submitted(number)) for number in range(3)]
    assert [future.result(30).state for future in futures] == [State.SUCCEEDED] * 3
    assert kind.asked[-1][1] == {"0", "1", "2"}


@pytest.mark.parametrize(("intervals", "least"), [([0.5], 0.5), ([9.0, 0.5], 0.5)])
def test_the_least_time_between_queries(intervals, least):
    """A new job is seen at the next query, and does not bring it forward."""
    kind = Slow(3)
    futures = [watch(kind, submitted(number), interval) for number, interval in enumerate(intervals)]
    while not kind.asked:
        time.sleep(0.01)
    futures.append(watch(kind, submitted("new"), 9.0))
    for future in futures:
        future.result(30)
    gaps = [after - before for (before, _), (after, _) in pairwise(kind.asked)]
    assert len(gaps) == 2
    assert min(gaps) >= least
