"""Elastic constants of a crystal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom import job
from adatom.arena.tasks._words import KEYS, chosen, relaxation
from adatom.recipes import mlip
from adatom.recipes.common.docs import documented_by

__all__ = ["ELASTICITY"]


@job(name="ELASTICITY", key_functions=KEYS)
@documented_by(chosen, relaxation)
def ELASTICITY(
    atoms: Atoms,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    optimizer: Any = "BFGSLineSearch",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    criterion: Mapping[str, Any] | None = None,
    normal_strains: Sequence[float] = (-0.01, -0.005, 0.005, 0.01),
    shear_strains: Sequence[float] = (-0.01, -0.005, 0.005, 0.01),
) -> dict[str, Any]:
    """Relax a crystal and its cell, and fit its elastic tensor to the stresses under strain.

    Parameters
    ----------
    {parameters}
    atoms
        Crystal; it is not changed.
    normal_strains, shear_strains
        Same as `norm_strains` and `shear_strains` in `adatom.recipes.mlip.elastic_tensor_flow`.

    Returns
    -------
    dict
        ``"elasticity"``, an `adatom.analysis.elastic.Elasticity`, beside the results of the crystals.
    """
    given = relaxation(optimizer, optimizer_kwargs, None, None, criterion)
    return mlip.elastic_tensor_flow(
        atoms,
        norm_strains=normal_strains,
        shear_strains=shear_strains,
        relax_job=mlip.relax_job.bind(**given, **chosen(calculator, calculator_kwargs, dispersion)),
    )
