"""The one way of work to an engine and back, with the one rule on workers that die.

Single jobs, the items of `Job.map` and streams of structures all take it. The rule: a worker writes down which item it
begins. When the worker dies, that item is to blame: it is tried again as often as its `retries` say, and then it fails.
All other items of the task are sent again at no cost. A worker that dies before it began an item blames nobody; the
task is sent again, up to `LOSSES` times in a row.
"""

from __future__ import annotations

import contextvars
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import Any

from adatom.errors import WorkerDiedError
from adatom.execution.call import Batch, Call
from adatom.execution.engine import Engine

__all__ = ["LOSSES", "Dispatcher", "Task"]

LOSSES = 10  # workers, in a row, that may die before they begin an item of a task


class Task(ABC):
    """Items that one worker is given together.

    Attributes
    ----------
    count
        Number of items in the task.
    losses
        Number of workers that died before they began an item.
    """

    count: int = 1
    losses: int = 0

    @property
    @abstractmethod
    def work(self) -> Call | Batch:
        """Call or batch that the engine is given."""

    @abstractmethod
    def begun(self) -> Collection[int] | None:
        """Return the positions of the items that a worker began and did not end; None if that cannot be known."""

    @abstractmethod
    def part(self, positions: Sequence[int]) -> Task:
        """Return a task with some of the items, which are not to blame, to be sent again."""

    @abstractmethod
    def retry(self, position: int, error: WorkerDiedError) -> Task | None:
        """Return the next attempt of an item that is to blame; None, after it has failed, if it has no retries left."""

    @abstractmethod
    def settle(self, result: Any) -> Sequence[Task]:
        """Take the result of the work; return tasks for items that stopped for want of time and are to go on."""

    @abstractmethod
    def fail(self, error: BaseException) -> None:
        """End all items with an exception that is no fault of theirs."""


class Dispatcher:
    """Sends tasks to an engine, and again where workers died.

    Parameters
    ----------
    engine
        Engine that runs the tasks.
    stopped
        Function that returns whether nothing is to be sent again, as the flow was interrupted.
    """

    def __init__(self, engine: Engine, stopped: Callable[[], bool] = bool) -> None:
        self.engine = engine
        self._stopped = stopped

    def send(self, task: Task, options: Mapping[str, Any], ended: Callable[[], None] | None = None) -> None:
        """Give a task to the engine.

        Parameters
        ----------
        task
            Task with all its arguments.
        options
            Option `engine_options` of the job.
        ended
            Function to call when the engine has answered, after the task is settled or sent again.
        """
        context = contextvars.copy_context()  # a thread of the engine's has other settings
        future = self.engine.send(task.work, dict(options))
        future.add_done_callback(lambda future: context.run(self._answered, task, options, ended, future))

    def _answered(self, task: Task, options: Mapping[str, Any], ended: Callable[[], None] | None, future: Any) -> None:
        again: Sequence[Task] = ()
        try:
            again = task.settle(future.result())
        except WorkerDiedError as error:
            again = self._after_a_death(task, error)
        except BaseException as error:  # whatever an engine raises, the flow goes on
            task.fail(CancelledError() if self._stopped() else error)
        for next_one in again:
            if self._stopped():
                next_one.fail(CancelledError())
                continue
            try:
                self.send(next_one, options)
            except Exception as error:  # nobody would see it in this thread
                next_one.fail(error)
        if ended:
            ended()

    def _after_a_death(self, task: Task, error: WorkerDiedError) -> Sequence[Task]:
        if self._stopped():  # an interruption ends workers, too: no item is to blame
            task.fail(CancelledError())
            return ()
        begun = task.begun()
        if begun is None:
            if task.count > 1:
                return _each_alone(task)
            begun = [0]
        if not begun:
            return _nobody_to_blame(task, error)
        innocent = [position for position in range(task.count) if position not in begun]
        retried = [task.retry(position, error) for position in begun]
        return [*([task.part(innocent)] if innocent else []), *filter(None, retried)]


def _nobody_to_blame(task: Task, error: WorkerDiedError) -> Sequence[Task]:
    task.losses += 1
    if task.losses < LOSSES:
        return [task.part(range(task.count))]
    if task.count > 1:  # once more: an item may kill its worker when it is unpacked
        return _each_alone(task)
    task.fail(error)
    return ()


def _each_alone(task: Task) -> Sequence[Task]:
    return [task.part([position]) for position in range(task.count)]
