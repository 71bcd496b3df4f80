"""From which value of a setting on a property does not change any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from adatom.errors import AnalysisError

__all__ = ["Convergence", "ConvergenceRow", "find_convergence"]


class ConvergenceRow(TypedDict):
    """A value of a setting, and what came of it.

    Attributes
    ----------
    setting
        The setting.
    value
        Its value.
    property
        What was looked at, in its own unit; None where the run failed.
    difference
        The largest one, in absolute terms, from that of the last value of the setting; None where the run failed.
    """

    setting: str
    value: Any
    property: Any
    difference: float | None


class Convergence(TypedDict):
    """Which values of settings are good enough.

    Attributes
    ----------
    name
        ``"convergence"``.
    property
        What was looked at.
    tolerance
        How much it may differ, in its own unit.
    chosen
        Of each setting the first value from which on the property is that of the last value, within the tolerance.
    settled
        Whether this is so for a value before the last: else the last may not be good enough either.
    table
        All values, setting by setting.
    failed
        Of each value without a result: why, by setting and value.
    """

    name: str
    property: str
    tolerance: float
    chosen: dict[str, Any]
    settled: dict[str, bool]
    table: list[ConvergenceRow]
    failed: dict[str, str]


def find_convergence(
    found: Mapping[str, Sequence[tuple[Any, Any]]], property: str, tolerance: float, failed: Mapping[str, str]
) -> Convergence:
    """Which values of settings are good enough.

    Parameters
    ----------
    found
        By setting, pairs of a value and the property there, a number or an array, the most accurate last. A property of
        None is that of a run that failed.
    property
        What it is called.
    tolerance
        How much it may differ, in its own unit.
    failed
        Why runs failed, by setting and value.

    Raises
    ------
    AnalysisError
        Of a setting, fewer than two values have results.
    """
    table: list[ConvergenceRow] = []
    chosen, settled = {}, {}
    for setting, pairs in found.items():
        there = [(value, np.asarray(item, dtype=float)) for value, item in pairs if item is not None]
        if len(there) < 2:
            raise AnalysisError(f"{setting}: {len(there)} of {len(pairs)} values gave a result, and two are needed.")
        last = there[-1][1]
        far = [float(np.abs(item - last).max()) for _, item in there]
        first = next(i for i in range(len(far)) if max(far[i:]) <= tolerance)
        chosen[setting], settled[setting] = there[first][0], first < len(far) - 1
        differences = iter(far)
        for value, item in pairs:
            table.append(
                {
                    "setting": setting,
                    "value": value,
                    "property": item,
                    "difference": None if item is None else next(differences),
                }
            )
    return {
        "name": "convergence",
        "property": property,
        "tolerance": tolerance,
        "chosen": chosen,
        "settled": settled,
        "table": table,
        "failed": dict(failed),
    }
