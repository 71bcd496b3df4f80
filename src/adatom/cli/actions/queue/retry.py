"""Body of ``adatom queue retry``."""

from __future__ import annotations

from collections.abc import Sequence

from adatom.cli.actions.queue.selection import choose_tasks
from adatom.cli.tables import print_json, print_text
from adatom.engines.queue.answers import read_answer
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.state import Task
from adatom.errors import InputError

__all__ = ["retry_tasks"]


def retry_tasks(words: Sequence[str], as_json: bool) -> None:
    """Remove the answers of tasks that failed, so that the next run of their script does them again.

    Parameters
    ----------
    words
        Names of the tasks, or parts of names.
    as_json
        True prints JSON in place of text.

    Raises
    ------
    InputError
        A word means no task, more than one, or one that has not failed.
    StorageError
        An answer is damaged, or somebody else wrote it.
    """
    found = choose_tasks(words)
    causes = [_cause(spool, task) for spool, task in found]
    for spool, task in found:
        spool.remove_answers([task.name])
    if as_json:
        pairs = zip(found, causes, strict=True)
        print_json([{"name": task.name, "queue": task.queue, "cause": cause} for (_, task), cause in pairs])
        return
    for (_, task), cause in zip(found, causes, strict=True):
        print_text(f"{task.name}: its failure is removed ({cause}).")
    print_text("The next run of the script does what was removed.")


def _cause(spool: Spool, task: Task) -> str:
    if task.state in ("waiting", "running"):
        raise InputError(f"{task.name} has not failed: it is {task.state}. `adatom queue why {task.name}` says more.")
    answer = read_answer(spool, task.name)
    if answer is not None and answer.kind == "failure":
        return answer.cause
    what = "has a value" if answer is None or answer.kind == "value" else f"cannot be read here: {answer.cause}"
    raise InputError(
        f"The answer of {task.name} {what}. To compute it again all the same, remove it: adatom queue rm {task.name}"
    )
