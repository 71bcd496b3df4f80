"""Durations in the forms that people and batch schedulers write."""

from __future__ import annotations

import re

__all__ = ["clock", "parse_duration"]

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(text: str) -> float:
    """Return a duration in s.

    Parameters
    ----------
    text
        Duration as ``HH:MM:SS``, ``D-HH:MM:SS``, a number of seconds, or a number with the unit s, m, h, d or w.

    Raises
    ------
    ValueError
        The text has none of these forms.
    """
    if found := re.fullmatch(r"(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)", text.strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if found := re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*([smhdw]?)", text.strip().lower()):
        return float(found[1]) * _SECONDS[found[2]]
    raise ValueError("Give seconds, HH:MM:SS, D-HH:MM:SS, or a number with the unit s, m, h, d or w")


def clock(seconds: float) -> str:
    """Return a duration as ``HH:MM:SS``, which every scheduler reads, rounded up to whole seconds.

    Parameters
    ----------
    seconds
        Duration to format, in s.
    """
    whole = -int(-seconds // 1)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
