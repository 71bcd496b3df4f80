"""Body of ``adatom queue logs``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adatom.cli.actions.queue.selection import choose_tasks
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_text
from adatom.engines.queue.spool import Spool
from adatom.engines.queue.state import Task
from adatom.machines.record import read_records
from adatom.machines.script import STDERR, STDOUT

__all__ = ["print_logs"]

_MOST = 20_000  # bytes at the end of each file


def print_logs(words: Sequence[str], as_json: bool) -> None:
    """Print the end of what the batch jobs of tasks printed.

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
    SchedulerError
        The host of the batch jobs does not answer.
    """
    printed: dict[str, dict[str, str]] = {}
    for spool, task in choose_tasks(words):
        names = _batch_jobs(spool, task)
        if not task.batch_job and not as_json:
            known = "these are all that there are" if names else "there is none"
            say(f"{task.name}: no batch job does it now; of those of its queue, {known}.", err=True)
        place = spool.known_place or spool.place
        printed[task.name] = {
            f"{place}/{name}{suffix}": spool.host.tail(Path(place, name + suffix), _MOST)
            for name in names
            for suffix in (STDOUT, STDERR)
        }
    if as_json:
        print_json(printed)
        return
    for file, text in {file: text for files in printed.values() for file, text in files.items()}.items():
        lines = text.rstrip().splitlines() or ["(nothing)"]
        print_text("\n".join([file, *(f"  {line}" for line in lines), ""]))


def _batch_jobs(spool: Spool, task: Task) -> list[str]:
    """Return the name of the batch job of a task or, if there is none, those whose output may be there."""
    if task.batch_job:
        return [task.batch_job]
    recorded = [record.name for record in read_records(spool.path)]
    ended = sorted(spool.path.glob(f"adatom-*{STDOUT}"), key=lambda path: path.stat().st_mtime)
    return list(dict.fromkeys([*(path.name.removesuffix(STDOUT) for path in ended), *recorded]))
