"""Convergence of a property with the values of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from adatom.errors import AnalysisError

__all__ = ["Convergence", "ConvergenceRow", "find_convergence"]


class ConvergenceRow(TypedDict):
    """One value of a setting, and the property that was computed with it.

    Attributes
    ----------
    setting
        Name of the setting, such as ``"calc_kwargs.rc"``.
    value
        Value of the setting in this row.
    property
        Property computed with this value, in its own unit; None where the run failed.
    difference
        Largest absolute difference of the property from that at the last value of the setting, in the same unit; None
        where the run failed.
    """

    setting: str
    value: Any
    property: Any
    difference: float | None


class Convergence(TypedDict):
    """Values of settings at which a property is converged.

    Attributes
    ----------
    name
        Kind of document: ``"convergence"``.
    property
        Name of the property, such as ``"results.energy"``.
    unit
        Unit of the property, such as ``"eV/atom"``; empty if it is not known.
    tolerance
        Largest difference of the property that is accepted, in the unit of the property.
    chosen
        By setting, the first value from which on the property is that at the last value, within the tolerance.
    settled
        By setting, whether the chosen value comes before the last one. If not, the last may not be good enough either.
    table
        One row for each value, setting by setting.
    failed
        By setting and value, such as ``"calc_kwargs.rc 6.0"``, the reason why there is no result.
    """

    name: str
    property: str
    unit: str
    tolerance: float
    chosen: dict[str, Any]
    settled: dict[str, bool]
    table: list[ConvergenceRow]
    failed: dict[str, str]


def find_convergence(
    found: Mapping[str, Sequence[tuple[Any, Any]]],
    property: str,
    unit: str,
    tolerance: float,
    failed: Mapping[str, str],
) -> Convergence:
    """Find the first value of each setting at which a property is converged.

    Parameters
    ----------
    found
        By setting, pairs of a value and the property computed with it (a number or an array), the most accurate value
        last. The property is None where the run failed.
    property
        Name of the property, as the document is to show it.
    unit
        Unit of the property, as the document is to show it; empty if it is not known.
    tolerance
        Largest difference of the property that is accepted, in the unit of the property.
    failed
        By setting and value, the reason why a run failed.

    Raises
    ------
    AnalysisError
        Fewer than two values of a setting have results.
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
        "unit": unit,
        "tolerance": tolerance,
        "chosen": chosen,
        "settled": settled,
        "table": table,
        "failed": dict(failed),
    }
