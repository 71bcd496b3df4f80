"""Arguments of a task in the words of the jobs of `adatom.recipes.mlip`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from adatom.arena.models import DISPERSION
from adatom.calculators.models import identify_model
from adatom.errors import UnknownNameError

__all__ = ["KEYS", "chosen", "relaxation"]

#: Functions by which the calculator of a task counts in the key of its result.
KEYS = {"calculator": lambda calculator: identify_model(_plain(calculator))}

_CRITERION = {"fmax": "fmax", "steps": "max_steps"}
_FILTER = {"scalar_pressure": "pressure"}


def _plain(calculator: Any) -> Any:
    return calculator.value if isinstance(calculator, Enum) else calculator


def chosen(
    calculator: Any, calculator_kwargs: Mapping[str, Any] | None, dispersion: bool | Mapping[str, Any]
) -> dict[str, Any]:
    """Choose the potential of a task.

    Parameters
    ----------
    calculator
        Name of a model, a member of ``MLIPEnum``, an ASE calculator, its class, or a tuple of class, positional
        arguments and keyword arguments.
    calculator_kwargs
        Arguments of the calculator, if it is not made yet.
    dispersion
        Whether DFT-D3 of PBE is added; or the arguments of `adatom.recipes.common.dispersion.make_dispersion`.

    Returns
    -------
    dict
        ``calculator`` and ``calc_kwargs``.
    """
    given = dict(calculator_kwargs or {})
    if dispersion:
        given["dispersion"] = DISPERSION if dispersion is True else dict(dispersion)
    return {"calculator": _plain(calculator), "calc_kwargs": given}


def relaxation(
    optimizer: Any,
    optimizer_kwargs: Mapping[str, Any] | None,
    filter: Any,
    filter_kwargs: Mapping[str, Any] | None,
    criterion: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Describe a relaxation.

    Parameters
    ----------
    optimizer
        Name of an optimizer of ASE, or its class.
    optimizer_kwargs
        Arguments of the optimizer.
    filter
        Name of a filter of ASE for the cell, such as ``"FrechetCellFilter"``, or its class. None: the cell is kept.
    filter_kwargs
        Arguments of the filter: ``scalar_pressure`` in eV/Å³.
    criterion
        ``fmax``, the largest force that is left in eV/Å, and ``steps``, the largest number of steps.

    Returns
    -------
    dict
        Arguments of `adatom.recipes.mlip.relax_job`.

    Raises
    ------
    UnknownNameError
        There is no such argument.
    """
    found: dict[str, Any] = {"optimizer": optimizer, "optimizer_kwargs": optimizer_kwargs}
    found |= _named("criterion", criterion, _CRITERION) | _named("argument of the filter", filter_kwargs, _FILTER)
    if filter is not None:
        found |= {"relax_cell": True, "cell_filter": filter}
    return found


def _named(what: str, given: Mapping[str, Any] | None, names: Mapping[str, str]) -> dict[str, Any]:
    for name in given or {}:
        if name not in names:
            raise UnknownNameError(what, name, names)
    return {names[name]: value for name, value in (given or {}).items()}
