"""Body of ``adatom queue cancel``."""

from __future__ import annotations

from collections.abc import Sequence

from adatom.cli.actions.queue.selection import choose_tasks
from adatom.cli.quantities import show_count
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_text
from adatom.engines.queue import state
from adatom.engines.queue.spools import spools
from adatom.errors import InputError

__all__ = ["cancel_all", "cancel_some"]


def cancel_all(as_json: bool) -> None:
    """Cancel the tasks of all spools, end their batch jobs, and print the numbers of tasks.

    Parameters
    ----------
    as_json
        True prints JSON in place of text.

    Raises
    ------
    SchedulerError
        A scheduler or host does not answer, or a batch job does not end.
    """
    counts = {}
    for spool in spools():
        counts[spool.path.name] = state.cancel(spool)
        if not as_json:
            say(f"{spool.path.name}: {show_count(counts[spool.path.name], 'job', 'jobs')} cancelled")
    if as_json:
        print_json(counts)


def cancel_some(words: Sequence[str], as_json: bool) -> None:
    """Cancel tasks. Batch jobs go on.

    Parameters
    ----------
    words
        Names of the tasks, or parts of names.
    as_json
        True prints JSON in place of text.

    Raises
    ------
    InputError
        A word means no task, more than one, or one that is done.
    SchedulerError
        The host of the batch jobs does not answer.
    """
    for spool in spools():
        state.update(spool)
    found = choose_tasks(words)
    if done := [task.name for _, task in found if task.state in ("done", "kept")]:
        raise InputError(
            f"{done[0]} is done: only jobs that wait or run can be cancelled. To remove its answer: "
            f"adatom queue rm {done[0]}"
        )
    cancelled: list[str] = []
    for path in dict.fromkeys(spool.path for spool, _ in found):
        of_one = [(spool, task.name) for spool, task in found if spool.path == path]
        cancelled += state.cancel_tasks(of_one[0][0], [name for _, name in of_one])
    if as_json:
        print_json({"cancelled": cancelled})
        return
    for _, task in found:
        print_text(f"{task.name}: {'cancelled' if task.name in cancelled else 'done meanwhile'}")
