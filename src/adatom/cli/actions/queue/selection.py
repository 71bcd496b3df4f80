"""Tasks and spools of the queue engine that words of the command line mean."""

from __future__ import annotations

from collections.abc import Sequence

from adatom.engines.queue import state
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.spools import spools
from adatom.engines.queue.state import Task
from adatom.errors import InputError
from adatom.settings import get_settings

__all__ = ["NONE", "choose_spools", "choose_tasks"]

NONE = "No jobs of the queue engine are in {}."
_SHOWN = 5  # candidates that an error names


def choose_tasks(words: Sequence[str]) -> list[tuple[Spool, Task]]:
    """Return the tasks that words mean, each with its spool.

    Parameters
    ----------
    words
        Names of tasks, or beginnings or parts of names, with or without the queue and ``/`` before them.

    Raises
    ------
    InputError
        A word means no task, or more than one.
    """
    known = {f"{task.queue}/{task.name}": (spool, task) for spool in spools() for task in state.tasks(spool)}
    names = {label: task.name for label, (_, task) in known.items()}
    return [known[label] for label in dict.fromkeys(_meant(word, names, "job") for word in words)]


def choose_spools(words: Sequence[str]) -> list[Spool]:
    """Return the spools that words mean; all, if there is no word.

    Parameters
    ----------
    words
        Names of queues, or beginnings or parts of names.

    Raises
    ------
    InputError
        A word means no queue, or more than one.
    """
    known = {spool.path.name: spool for spool in spools()}
    if not words:
        return list(known.values())
    names = {name: name for name in known}
    return [known[name] for name in dict.fromkeys(_meant(word, names, "queue") for word in words)]


def _meant(word: str, names: dict[str, str], what: str) -> str:
    """Return the label that a word means, of labels with the names of what they stand for."""
    both = [(label, {label, name}) for label, name in names.items()]
    fits = (
        [label for label, texts in both if word in texts],
        [label for label, texts in both if any(text.startswith(word) for text in texts)],
        [label for label, texts in both if any(word in text for text in texts)],
    )
    found: list[str] = next(filter(None, fits), []) if word else []
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{word!r} is part of the names of {len(found)} {what}s: {_listed(found)}. Give more of it.")
    directory = get_settings().queue_dir
    if not names:
        raise InputError(f"There is no {what} {word!r}. {NONE.format(directory)} ADATOM_QUEUE_DIR names another place.")
    raise InputError(
        f"No {what} {word!r} is in {directory}. Valid: {_listed(list(names))}, or an unambiguous part of a name. "
        "`adatom queue ls` lists them."
    )


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return ", ".join(labels[:_SHOWN]) + more
