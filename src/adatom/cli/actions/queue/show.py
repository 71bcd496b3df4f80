"""Body of ``adatom queue show``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adatom.cli.actions.queue.selection import choose_tasks
from adatom.cli.quantities import show_time
from adatom.cli.tables import print_json, print_text
from adatom.engines.queue.answers import Answer, job_directory, read_answer
from adatom.engines.queue.batch_states import batch_job_states
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.state import Task
from adatom.errors import StorageError

__all__ = ["show_tasks"]


def show_tasks(words: Sequence[str], as_json: bool) -> None:
    """Print all that is known of tasks.

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
    """
    shown = [_about(spool, task) for spool, task in choose_tasks(words)]
    if as_json:
        print_json(shown)
        return
    for number, about in enumerate(shown):
        if number:
            print_text("")
        traceback = about.pop("traceback").rstrip().splitlines()
        about = {key.replace("_", " "): _text(key, value) for key, value in about.items() if value}
        width = max(map(len, about))
        print_text("\n".join(f"{key:{width}}  {value}" for key, value in about.items()))
        if traceback:
            print_text("\n".join(["", "traceback", *(f"  {line}" for line in traceback)]))


def _about(spool: Spool, task: Task) -> dict[str, Any]:
    answer, directory = Answer(""), ""
    try:
        if task.state in ("done", "kept"):
            answer = read_answer(spool, task.name) or answer
        else:
            directory = job_directory(spool, task.name)
    except StorageError as error:
        answer = Answer("unreadable", str(error))
    batch_job = next((one for one in batch_job_states(spool) if task.batch_job == one.name), None)
    return {
        **task._asdict(),
        "batch_job_id": batch_job.id if batch_job else "",
        "batch_job_state": batch_job.state if batch_job else "",
        "spool": str(spool.path),
        "place": str(spool.known_place or ""),
        "directory": answer.directory or directory,
        "answer": answer.kind,
        "cause": answer.cause,
        "traceback": answer.traceback,
    }


def _text(key: str, value: Any) -> str:
    return show_time(value) if key == "since" else str(value)
