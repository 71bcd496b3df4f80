"""Ages and sizes: read from options, and formatted for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import typer

__all__ = ["parse_age", "parse_size", "show_count", "show_seconds", "show_size", "show_time"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def parse_age(text: str) -> float:
    """Return an age in s.

    Parameters
    ----------
    text
        Number with the unit s, m, h, d or w, such as ``90m``, ``2h``, ``3d`` or ``2w``.

    Raises
    ------
    BadParameter
        The text is not a number with one of these units.
    """
    return _parse(text, _SECONDS, "no age: a number and s, m, h, d or w, such as 90m, 2h, 3d, 2w")


def parse_size(text: str) -> int:
    """Return a size in bytes.

    Parameters
    ----------
    text
        Number with the unit B, kB, MB, GB or TB, such as ``500MB`` or ``5GB``; a kB has 1000 bytes.

    Raises
    ------
    BadParameter
        The text is not a number with one of these units.
    """
    return round(_parse(text, _BYTES, "no size: a number and B, kB, MB, GB or TB, such as 500MB, 5GB"))


def _parse(text: str, units: Mapping[str, int], why_not: str) -> float:
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+) *([a-z]+)", text.strip().lower())
    if not match or match[2] not in units:
        raise typer.BadParameter(f"{text!r} is {why_not}.")  # Typer adds the name of the option
    return float(match[1]) * units[match[2]]


def show_count(count: int, one: str, many: str) -> str:
    """Format a number of things, such as ``"1 job"`` or ``"3 jobs"``.

    Parameters
    ----------
    count
        Number of the things.
    one, many
        Words for one thing, and for any other number of things.
    """
    return f"{count} {one if count == 1 else many}"


def show_seconds(seconds: float) -> str:
    """Format a duration: in s with two decimals below a minute, else as ``H:MM:SS``.

    Parameters
    ----------
    seconds
        Duration in s; a negative one is shown as 0.
    """
    if seconds < 60:
        return f"{max(0.0, seconds):.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def show_size(size: int) -> str:
    """Format a size in the largest unit that it reaches, from B to TB.

    Parameters
    ----------
    size
        Size in bytes; a kB has 1000 bytes.
    """
    unit = next((unit for unit in ("TB", "GB", "MB", "kB") if size >= _BYTES[unit.lower()]), "B")
    return f"{size} B" if unit == "B" else f"{size / _BYTES[unit.lower()]:.1f} {unit}"


def show_time(time: float) -> str:
    """Format a time as date and time in the local time zone.

    Parameters
    ----------
    time
        Time in s since the epoch.
    """
    return f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M:%S}"
