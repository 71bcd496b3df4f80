"""Body of ``adatom queue attach``."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import typer

from adatom.cli.actions.queue.selection import choose_spools
from adatom.cli.quantities import show_count
from adatom.cli.say import say
from adatom.engines.queue.batch_states import batch_job_states
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.state import scripts
from adatom.errors import SchedulerError

__all__ = ["attach"]

_EVERY = 0.5  # seconds between two looks at the tasks
_POLL = {"local": 1.0}  # seconds between two questions to a scheduler, by its name
_POLL_A_SCHEDULER = 15.0
_PATIENCE = 3.0  # seconds without a batch job: one that has ended may have put tasks back a moment ago


def attach(words: Sequence[str], as_json: bool) -> None:
    """Wait until the tasks of spools are done, and print their numbers whenever they change.

    Parameters
    ----------
    words
        Names of queues, or parts of names. Empty: all.
    as_json
        True prints a line of JSON for each change.

    Raises
    ------
    InputError
        A word means no queue, or more than one.
    SchedulerError
        No batch job is left to do the tasks, or a host does not answer.
    Exit
        Status 130 after Ctrl-C.
    """
    watched = [_Watch(spool, as_json) for spool in choose_spools(words)]
    try:
        left = watched
        while left := [one for one in left if one.look()]:
            time.sleep(_EVERY)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if errors := [one.error for one in watched if one.error]:
        raise SchedulerError(" ".join(errors))
    if not as_json:
        say("No job waits or runs.", err=True)


class _Watch:
    """A spool whose tasks are waited for."""

    def __init__(self, spool: Spool, as_json: bool) -> None:
        self._spool, self._as_json = spool, as_json
        self.error = ""
        self._line = ""
        self._quiet = 0
        self._next, self._alive, self._since = 0.0, True, 0.0

    def look(self) -> bool:
        """Return whether to look again."""
        try:
            self._spool.sync()
        except SchedulerError as error:
            self.error = f"{self._spool.path.name}: {error}"
            return False
        waiting, running = len(self._spool.waiting()), len(self._spool.taken())
        self._print(waiting, running)
        # Twice, as a task that is put back may be seen in neither place.
        self._quiet = 0 if waiting + running else self._quiet + 1
        if self._quiet == 1 or (self._quiet == 0 and self._is_done_by_somebody()):
            return True
        if not self._quiet:
            tasks = show_count(waiting + running, "job is", "jobs are")
            self.error = (
                f"{self._spool.path.name}: {tasks} not done, and no batch job is left. Run the script again: it "
                "submits another one."
            )
        return False

    def _is_done_by_somebody(self) -> bool:
        """Return whether there is a batch job, or a script that would submit one."""
        now = time.monotonic()
        if now > self._next:
            batch_jobs = batch_job_states(self._spool)
            self._alive = bool(scripts(self._spool)) or any(not one.ended for one in batch_jobs)
            names = [one.scheduler for one in batch_jobs]
            self._next = now + _POLL.get(names[0] if names else "local", _POLL_A_SCHEDULER)
            if self._alive or not self._since:
                self._since = now
        return self._alive or now < self._since + _PATIENCE

    def _print(self, waiting: int, running: int) -> None:
        counts = {"waiting": waiting, "running": running, "done": len({*self._spool.answered(), *self._spool.kept()})}
        if self._as_json:
            line = json.dumps({"queue": self._spool.path.name, **counts})
        else:
            line = f"{self._spool.path.name}: {', '.join(f'{count} {state}' for state, count in counts.items())}"
        if line != self._line:
            self._line = line
            say(line)
