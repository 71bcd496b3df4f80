"""Convergence of a property with the settings of a job."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import reduce
from typing import Any

from ase import Atoms

from adatom import Failure, job, subflow
from adatom.analysis.convergence import Convergence, find_convergence
from adatom.calculations.checks import check_positive
from adatom.errors import InputError
from adatom.recipes.common.code import unbound
from adatom.schemas.results import UNITS

__all__ = ["convergence_flow"]


@subflow
def convergence_flow(
    atoms: Atoms,
    settings: Mapping[str, Sequence[Any]],
    *,
    static_job: Callable[..., Any] = unbound,
    property: str = "results.energy",
    per_atom: bool = True,
    tolerance: float = 1e-3,
) -> dict[str, Any]:
    """Run a job with several values of its settings, and find the values from which on a property changes no more.

    Each setting takes its values in turn, while the other settings have their last, most accurate value.

    Parameters
    ----------
    atoms
        Structure that is computed with all settings.
    settings
        Values by parameter of the job, the most accurate last. Dots lead into dictionaries:
        ``{"calc_kwargs.rc": [6.0, 8.0, 10.0]}``.
    static_job
        Job that is run: any job that takes the structure and these parameters.
    property
        Path of the property in the job's result, with dots that lead into dictionaries. The property is a number or an
        array.
    per_atom
        Whether the property is divided by the number of atoms.
    tolerance
        Largest difference from the property with the last value, in the unit of the property: eV per atom for an
        energy.

    Returns
    -------
    dict
        ``"runs"``: by setting, a result for each value, or the `Failure` of its job. ``"convergence"``: a
        `Convergence`.

    Raises
    ------
    FlowFailure
        Fewer than two values of a setting gave a result.
    """
    check_positive(tolerance=tolerance)
    if not settings or any(isinstance(values, str) or len(values) < 2 for values in settings.values()):
        raise InputError(f"settings is {settings!r}. Give two values or more of each, the most accurate last.")
    best = {name: values[-1] for name, values in settings.items()}

    def run(changes: Mapping[str, Any]) -> Any:
        return static_job(atoms, **_nested(static_job, {**best, **changes}))

    whole = run({})  # every setting has its last value, so that all share this run
    runs = {name: [*(run({name: value}) for value in values[:-1]), whole] for name, values in settings.items()}
    kept = {name: list(values) for name, values in settings.items()}
    divisor, unit = (len(atoms) if per_atom else 1), _unit(property, per_atom)
    return {"runs": runs, "convergence": assess_convergence(runs, kept, property, divisor, unit, tolerance)}


@job(failed_inputs="tolerate")
def assess_convergence(
    runs: Mapping[str, Sequence[Any]],
    settings: Mapping[str, Sequence[Any]],
    property: str,
    divisor: int,
    unit: str,
    tolerance: float,
) -> Convergence:
    """Choose the values of settings from the runs with them."""
    found: dict[str, list[tuple[Any, Any]]] = {}
    failed = {}
    for name, values in settings.items():
        found[name] = []
        for value, run in zip(values, runs[name], strict=True):
            if isinstance(run, Failure):
                failed[f"{name} {value}"] = run.in_short
                found[name].append((value, None))
            else:
                found[name].append((value, _at(run, property) / divisor))
    return find_convergence(found, property, unit, tolerance, failed)


def _unit(property: str, per_atom: bool) -> str:
    unit = UNITS.get(property.rpartition(".")[2], "")
    if not per_atom:
        return unit
    return f"{unit}/atom" if unit else "per atom"


def _nested(job: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{"a.b": 1, "a.c": 2}`` as ``{"a": {"b": 1, "c": 2}}``, added to the job's own default of ``a``."""
    parameters = inspect.signature(job).parameters
    nested: dict[str, Any] = {}
    for name, value in settings.items():
        first, *path = name.split(".")
        if not path:
            nested[first] = value
            continue
        if first not in nested:
            default = parameters[first].default if first in parameters else None
            nested[first] = deepcopy(dict(default)) if isinstance(default, Mapping) else {}
        reduce(lambda part, key: part.setdefault(key, {}), path[:-1], nested[first])[path[-1]] = value
    return nested


def _at(result: Mapping[str, Any], path: str) -> Any:
    part: Any = result
    for key in path.split("."):
        if not isinstance(part, Mapping) or key not in part:
            known = ", ".join(sorted(map(str, part))) if isinstance(part, Mapping) else "none"
            raise InputError(f"property is {path!r}, and there is no {key!r} in the result. There: {known}.")
        part = part[key]
    return part
