"""Tasks that run on another machine, where each run directory has its path below a directory for all of them."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, cast

import cloudpickle

from adatom.execution.arguments import read_arguments
from adatom.execution.call import Batch, Call
from adatom.execution.directories import find_run
from adatom.execution.worker import unpack
from adatom.utils.nested import substitute

__all__ = ["moved", "moved_back"]

_LONGEST = 4000  # characters of a path


def moved(work: Call | Batch, place: str) -> Call | Batch:
    """Return a task that writes its files below a directory, and finds those of earlier jobs there.

    Parameters
    ----------
    work
        Call or batch of calls, with the paths that its directories have on the machine of the script.
    place
        Directory of this machine in which each of them has the same path.
    """
    if isinstance(work, Batch):
        return replace(work, calls=[cast(Call, moved(call, place)) for call in work.calls])
    header, results = _header(work.header, place)
    return replace(
        work,
        directory=place + work.directory,
        journal=work.journal and place + work.journal,
        header=header,
        arguments=_arguments(work.arguments, place, results),
        caching=work.caching and replace(work.caching, stores=False),  # the machine of the script has the cache
    )


@lru_cache(maxsize=16)
def _header(packed: bytes, place: str) -> tuple[bytes, str]:
    """Return the header with the directories of this machine, and the results directory of the other one."""
    values, folders = cloudpickle.loads(packed)
    results = str(values["results_dir"])
    for name in ("results_dir", "cache_dir"):
        values[name] = Path(place + str(values[name]))
    return cloudpickle.dumps((values, folders)), results


def _arguments(packed: bytes, place: str, results: str) -> bytes:
    """Replace paths of the machine of the script: of files of earlier jobs, and of input files that were copied."""

    def path_here(item: Any) -> Any:
        text = str(item)
        if not text.startswith("/") or len(text) > _LONGEST:
            return item
        if text.startswith(results + "/"):
            known = os.path.lexists(place + text) or find_run(Path(place + text)) is not None
        else:
            known = os.path.lexists(place + text) and not os.path.lexists(text) and not (results + "/").startswith(text)
        return type(item)(place + text) if known else item

    given = read_arguments(packed)
    changed = substitute(given, (str, PurePath), path_here)
    return packed if changed is given else cloudpickle.dumps(changed)


def moved_back(work: Call | Batch, answer: bytes, place: str) -> bytes:
    """Return the answer to a task with the paths that its directories have on the machine of the script.

    Parameters
    ----------
    work
        Task, as for `moved`.
    answer
        What `adatom.execution.worker.pack` returned for the moved task.
    place
        Same as in `moved`.
    """
    if isinstance(work, Call):
        return _outcome(answer, place)
    outcomes, seconds = unpack(answer)
    return cloudpickle.dumps(([_outcome(one, place) for one in outcomes], seconds))


def _outcome(packed: bytes, place: str) -> bytes:
    def path_there(item: Any) -> Any:
        text = str(item)
        return type(item)(text.removeprefix(place)) if text.startswith(place + "/") else item

    value = unpack(packed)
    changed = substitute(value, (str, PurePath), path_there)
    return packed if changed is value else cloudpickle.dumps(changed)
