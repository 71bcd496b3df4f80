"""Ages and sizes, as they are typed and as they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import typer

__all__ = ["parse_age", "parse_size", "show_count", "show_seconds", "show_size", "show_time"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def parse_age(text: str) -> float:
    """Seconds.

    Parameters
    ----------
    text
        Such as ``90m``, ``2h``, ``3d`` or ``2w``.

    Raises
    ------
    BadParameter
        It is none of these.
    """
    return _parse(text, _SECONDS, "no age: a number and s, m, h, d or w, such as 90m, 2h, 3d, 2w")


def parse_size(text: str) -> int:
    """Bytes.

    Parameters
    ----------
    text
        Such as ``500MB`` or ``5GB``; a kB has 1000 bytes.

    Raises
    ------
    BadParameter
        It is none of these.
    """
    return round(_parse(text, _BYTES, "no size: a number and B, kB, MB, GB or TB, such as 500MB, 5GB"))


def _parse(text: str, units: Mapping[str, int], why_not: str) -> float:
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+) *([a-z]+)", text.strip().lower())
    if not match or match[2] not in units:
        raise typer.BadParameter(f"{text!r} is {why_not}.")  # Typer says of which option
    return float(match[1]) * units[match[2]]


def show_count(count: int, one: str, many: str) -> str:
    """A number of things for people.

    Parameters
    ----------
    count
        How many.
    one, many
        The word for one of them, and for any other number.
    """
    return f"{count} {one if count == 1 else many}"


def show_seconds(seconds: float) -> str:
    """A duration for people.

    Parameters
    ----------
    seconds
        How long.
    """
    if seconds < 60:
        return f"{max(0.0, seconds):.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def show_size(size: int) -> str:
    """A size for people.

    Parameters
    ----------
    size
        In bytes.
    """
    unit = next((unit for unit in ("TB", "GB", "MB", "kB") if size >= _BYTES[unit.lower()]), "B")
    return f"{size} B" if unit == "B" else f"{size / _BYTES[unit.lower()]:.1f} {unit}"


def show_time(time: float) -> str:
    """A time on the clock here.

    Parameters
    ----------
    time
        Seconds since the epoch.
    """
    return f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M:%S}"
