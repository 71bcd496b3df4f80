"""Provenance of a result: time, place and software of the run that made it."""

from __future__ import annotations

import platform
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import NotRequired, TypedDict

import ase

from adatom._version import __version__
from adatom.execution.context import current_job
from adatom.utils.processes import batch_job

__all__ = ["Provenance", "make_provenance"]


class Provenance(TypedDict):
    """Time, place and software of the run that made a result.

    Attributes
    ----------
    versions
        Versions of ``adatom``, ``ase`` and ``python``, by these names.
    engine
        Name of the engine that ran the job; ``"none"`` for a runner called directly.
    host
        Name of the machine that the run was on.
    batch_job
        Id of the batch job that the run was in, as its scheduler gives it; absent outside of one.
    start
        Start of the run in UTC, as ISO 8601 text.
    duration
        Wall time in s, without that of an earlier run that this one went on from.
    resumed_from
        Directory of the earlier run that this one went on from; absent if there is none.
    cached_from
        Key under which the result was stored; absent if it was computed anew.
    """

    versions: dict[str, str]
    engine: str
    host: str
    batch_job: NotRequired[str]
    start: str
    duration: float
    resumed_from: NotRequired[str]
    cached_from: NotRequired[str]


def make_provenance(start: datetime, duration: float, resumed_from: Path | None = None) -> Provenance:
    """Return the provenance of a calculation that ran in this process.

    Parameters
    ----------
    start
        Start of the run, with its time zone.
    duration
        Wall time in s.
    resumed_from
        Directory of the earlier run that this one went on from; None: there is none.
    """
    made: Provenance = {
        "versions": {"adatom": __version__, "ase": ase.__version__, "python": platform.python_version()},
        "engine": current_job().engine or "none",
        "host": socket.gethostname(),
        "start": start.astimezone(UTC).isoformat(timespec="milliseconds"),
        "duration": duration,
    }
    if (job := batch_job()) is not None:
        made["batch_job"] = job
    if resumed_from is not None:
        made["resumed_from"] = str(resumed_from)
    return made
