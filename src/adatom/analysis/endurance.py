"""Part of a run of dynamics that a potential endures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

__all__ = ["Endurance", "endurance"]


class Endurance(TypedDict):
    """Part of a run of dynamics that a potential endures.

    Attributes
    ----------
    name
        Kind of document: ``"endurance"``.
    reached
        Part of the time of the run, from 0 to 1, before the first stage that failed.
    reason
        Why that stage failed; empty if none did.
    """

    name: str
    reached: float
    reason: str


def endurance(reasons: Sequence[str]) -> Endurance:
    """Return how long a run of dynamics went on.

    Parameters
    ----------
    reasons
        Why each of its stages failed, in their order, all of the same length of time; empty for one that did not fail.

    Raises
    ------
    ValueError
        There are no stages.
    """
    if not reasons:
        raise ValueError("There are no stages of the run.")
    first = next((number for number, reason in enumerate(reasons) if reason), len(reasons))
    return {
        "name": "endurance",
        "reached": first / len(reasons),
        "reason": reasons[first] if first < len(reasons) else "",
    }
