"""Job of all codes for the adsorption of a dilute gas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.widom import insertion_structures, run_widom
from adatom.recipes.common.code import Code
from adatom.recipes.common.docs import documented_by
from adatom.schemas.widom import WidomResult

__all__ = ["widom_job"]


@documented_by(run_widom, Code.calculator)
def widom_job(
    code: Code,
    atoms: Atoms,
    gas: Atoms,
    *,
    temperature: float = 300.0,
    insertions: int = 5000,
    min_distance: float = 1.5,
    seed: int = 0,
    calc_kwargs: Mapping[str, Any] | None = None,
) -> WidomResult:
    """Insert a molecule at random places of a rigid host: its Henry coefficient and heat of adsorption.

    {parameters}

    Returns
    -------
    WidomResult
        ``results["henry_coefficient"]`` in mol/kg/Pa, ``results["averaged_interaction_energy"]`` in eV and
        ``results["heat_of_adsorption"]`` in kJ/mol, each with its error; ``points["energies"]`` in eV, shape (P,);
        ``missing`` says which insertions failed, and why. ``atoms`` is the host with the molecule at the place of the
        lowest energy.
    """
    return run_widom(
        atoms,
        gas,
        code.calculators(insertion_structures(atoms, gas), calc_kwargs),
        temperature=temperature,
        insertions=insertions,
        min_distance=min_distance,
        seed=seed,
    )
