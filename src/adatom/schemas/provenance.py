"""Where, when and with what a result was made."""

from __future__ import annotations

import platform
import socket
from datetime import UTC, datetime
from typing import TypedDict

import ase

from adatom._version import __version__
from adatom.context import engine_name

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
    start
        ISO 8601, UTC.
    duration
        Wall time in s.
    """

    versions: dict[str, str]
    engine: str
    host: str
    start: str
    duration: float


def make_provenance(start: datetime, duration: float) -> Provenance:
    """The provenance of a calculation that ran here.

    Parameters
    ----------
    start
        When it began, with its time zone.
    duration
        How long it took in s.
    """
    return {
        "versions": {"adatom": __version__, "ase": ase.__version__, "python": platform.python_version()},
        "engine": engine_name.get() or "none",
        "host": socket.gethostname(),
        "start": start.astimezone(UTC).isoformat(timespec="milliseconds"),
        "duration": duration,
    }
