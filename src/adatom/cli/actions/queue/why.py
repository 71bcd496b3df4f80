"""Body of ``adatom queue why``."""

from __future__ import annotations

from collections.abc import Sequence

from adatom.cli.actions.queue.selection import choose_tasks
from adatom.cli.quantities import show_count
from adatom.cli.tables import print_json, print_text
from adatom.engines.queue.answers import read_answer
from adatom.engines.queue.batch_states import BatchJobState, batch_job_states
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.state import Task, scripts

__all__ = ["explain_tasks"]


def explain_tasks(words: Sequence[str], as_json: bool) -> None:
    """Print why tasks wait, or failed.

    Parameters
    ----------
    words
        Names of the tasks, or parts of names.
    as_json
        True prints JSON in place of text.

    Raises
    ------
    InputError
        A word means no task, or more than one.
    StorageError
        An answer is damaged, or somebody else wrote it.
    """
    found = [(task, _reasons(spool, task)) for spool, task in choose_tasks(words)]
    if as_json:
        print_json([{**task._asdict(), "reasons": reasons} for task, reasons in found])
        return
    for task, reasons in found:
        print_text("\n".join([f"{task.name} {_STATES[task.state]}", *(f"  {reason}" for reason in reasons)]))


_STATES = {
    "waiting": "waits.",
    "running": "is being done.",
    "done": "is done, and nobody has received the answer.",
    "kept": "is done, and its answer is kept for a flow that has not ended well.",
}


def _reasons(spool: Spool, task: Task) -> list[str]:
    if task.state in ("done", "kept"):
        return _of_an_answer(spool, task)
    batch_jobs = batch_job_states(spool)
    if task.state == "running":
        batch_jobs = [one for one in batch_jobs if one.name == task.batch_job]
    busy = len(spool.taken())
    said = [_described(one, busy if task.state == "waiting" else 0) for one in batch_jobs]
    if not batch_jobs:
        said = ["Its batch job is not known any more." if task.state == "running" else "There is no batch job for it."]
    if all(one.ended for one in batch_jobs):
        said.append(_who_submits(spool))
    return said


def _of_an_answer(spool: Spool, task: Task) -> list[str]:
    answer = read_answer(spool, task.name)
    if answer is None:  # it was gathered meanwhile
        return ["Its answer was removed a moment ago."]
    if answer.kind == "value":
        return ["Run the script again: it gathers the answer, and does not compute it again."]
    if answer.kind == "unreadable":
        return [f"Its answer cannot be read here: {answer.cause}. The script may be able to."]
    where = [f"Its files: {answer.directory}"] if answer.directory else []
    return [f"It failed: {answer.cause}", *where, f"To have it done again: adatom queue retry {task.name}"]


def _described(one: BatchJobState, busy: int) -> str:
    words = f"{one.state}: {one.cause}" if one.cause else one.state
    of = f"Batch job {one.id} of {one.scheduler}{f' on {one.host}' if one.host else ''}"
    if one.ended:
        return f"{of} has ended: {words}."
    doing = f", and its queue does {show_count(busy, 'other job', 'other jobs')}" if busy else ""
    return f"{of} is {words}{doing}."


def _who_submits(spool: Spool) -> str:
    if waiting := scripts(spool):
        return f"The script of process {waiting[0].pid} waits for it, and submits another batch job."
    return "No script runs here that would submit another batch job: run yours again."
