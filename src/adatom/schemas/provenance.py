"""Where, when and with what a result was made."""

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
    """Where, when and with what a result was made.

    Attributes
    ----------
    versions
        Of ``adatom``, ``ase`` and ``python``.
    engine
        Who ran the job; ``"none"`` for a runner called directly.
    host
        The name of the machine.
    batch_job
        The id of the batch job that it ran in, as its scheduler says it; absent outside of one.
    start
        ISO 8601, UTC.
    duration
        Wall time in s; of a run that went on from an earlier one, without that one's.
    resumed_from
        The directory of the run that this one went on from, if it did.
    cached_from
        The key under which the result was stored, if it was not computed again.
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
    """The provenance of a calculation that ran here.

    Parameters
    ----------
    start
        When it began, with its time zone.
    duration
        How long it took in s.
    resumed_from
        The directory of the run that it went on from.
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
