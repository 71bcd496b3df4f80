"""Relaxation of a structure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms
from ase.constraints import FixSymmetry

from adatom import job
from adatom.arena.tasks._words import KEYS, chosen, relaxation
from adatom.recipes import mlip
from adatom.recipes.common.docs import documented_by
from adatom.schemas.results import RelaxResult

__all__ = ["OPT"]


@job(name="OPT", key_functions=KEYS)
@documented_by(chosen, relaxation)
def OPT(
    atoms: Atoms,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    optimizer: Any = "BFGSLineSearch",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    filter: Any = None,
    filter_kwargs: Mapping[str, Any] | None = None,
    criterion: Mapping[str, Any] | None = None,
    symmetry: bool = False,
) -> RelaxResult:
    """Relax the atoms of a structure, and with a filter its cell.

    Parameters
    ----------
    {parameters}
    atoms
        Structure to relax; it is not changed.
    symmetry
        Whether the space group is kept.

    Returns
    -------
    RelaxResult
        ``atoms`` is the relaxed structure; ``converged`` says whether it reached the criterion.
    """
    if symmetry:
        atoms = atoms.copy()
        atoms.set_constraint([*atoms.constraints, FixSymmetry(atoms)])
    given = relaxation(optimizer, optimizer_kwargs, filter, filter_kwargs, criterion)
    which = chosen(calculator, calculator_kwargs, dispersion)
    return mlip.relax_job(atoms, **given, **which, allow_unconverged=True)
