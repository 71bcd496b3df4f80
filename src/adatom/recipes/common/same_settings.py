"""Settings that follow from a structure, derived once for structures that are compared."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ase import Atoms

from adatom.recipes.common.code import effective
from adatom.workflow.step import Step

__all__ = ["with_settings_of"]


def with_settings_of(job: Callable[..., Any], atoms: Atoms, slab: Atoms | None = None) -> Callable[..., Any]:
    """Return a job that computes any structure with the settings that its code derives from one of them.

    Energies and stresses of structures that differ in their cell can be compared only where, for example, the numbers
    of k points are the same: one point more along a cell vector changes the energy by more than a small strain does.

    Parameters
    ----------
    job
        Job of a flow. It is returned as it is if it belongs to no `Code`, or if its code derives nothing.
    atoms
        Structure from which the settings are derived.
    slab
        Slab with the first two cell vectors of `atoms`, which settings along these are derived from. None: all are
        derived from `atoms`.
    """
    code = getattr(inspect.unwrap(job, stop=lambda step: hasattr(step, "code")), "code", None)
    if code is None:
        return job
    if choice := code.choice():
        code = choice.code(effective(job, choice.parameter, None, choice.default))
    if code.derive is None:
        return job
    given: Mapping[str, Any] = effective(job, "calc_kwargs", None, {}) or {}
    if not (derived := code.derive(atoms, code.settings(given), slab)):
        return job
    settings = {**given, **derived}
    return job.bind(calc_kwargs=settings) if isinstance(job, Step) else functools.partial(job, calc_kwargs=settings)
