"""Body of ``adatom queue rm``."""

from __future__ import annotations

import time
from collections.abc import Sequence

from adatom.cli.actions.queue.listing import print_tasks
from adatom.cli.actions.queue.selection import choose_tasks
from adatom.cli.confirm import confirm
from adatom.cli.quantities import show_count
from adatom.cli.tables import print_json, print_text
from adatom.engines.queue import state
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.spools import spools
from adatom.engines.queue.state import Task
from adatom.errors import InputError

__all__ = ["remove_answers"]

_WITH_ANSWER = ("done", "kept")


def remove_answers(words: Sequence[str], older_than: float | None, yes: bool, as_json: bool) -> None:
    """Remove answers that no script has gathered, after printing them and a question.

    Parameters
    ----------
    words
        Names of the tasks, or parts of names. Empty: all tasks that are older than `older_than`.
    older_than
        Time in s; only answers that are there for longer are removed. None: of any age.
    yes
        True removes without a question.
    as_json
        True prints JSON, asks nothing, and removes only with `yes`.

    Raises
    ------
    InputError
        Nothing says what to remove, or a word means no task, more than one, or one that has no answer.
    Exit
        Status 1, because the answer to the question was no.
    """
    if not words and older_than is None:
        raise InputError("Say what to remove: jobs by their names, --older-than 30d, or both.")
    found = _with_answers(words, older_than)
    if not as_json:
        if found:
            print_tasks([task for _, task in found], {})
            if not yes:
                confirm(f"Remove the answers of {show_count(len(found), 'job', 'jobs')}?")
    removed = yes or not as_json
    if removed:
        for spool, task in found:
            spool.remove_answers([task.name])
    if as_json:
        print_json({"jobs": [task._asdict() for _, task in found], "removed": removed})
    else:
        done = f"Removed {show_count(len(found), 'answer', 'answers')}. A script that asks for one computes it again."
        print_text(done if found else "There is nothing to remove.")


def _with_answers(words: Sequence[str], older_than: float | None) -> list[tuple[Spool, Task]]:
    found = choose_tasks(words) if words else [(spool, task) for spool in spools() for task in state.tasks(spool)]
    unfinished = [task for _, task in found if task.state not in _WITH_ANSWER]
    if words and unfinished:
        name = unfinished[0].name
        raise InputError(
            f"{name} is {unfinished[0].state}, and has no answer to remove. Cancel it first: adatom queue cancel {name}"
        )
    limit = time.time() - (older_than or 0)
    return [(spool, task) for spool, task in found if task.state in _WITH_ANSWER and (task.since or 0) <= limit]
