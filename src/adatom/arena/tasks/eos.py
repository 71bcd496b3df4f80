"""Equation of state of a crystal, and its energies far from equilibrium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job
from adatom.arena.tasks._words import KEYS, chosen, relaxation
from adatom.recipes import mlip
from adatom.recipes.common.docs import documented_by

__all__ = ["EOS", "EV"]


@job(name="EOS", key_functions=KEYS)
@documented_by(chosen, relaxation)
def EOS(
    atoms: Atoms,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    optimizer: Any = "BFGSLineSearch",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    filter: Any = "FrechetCellFilter",
    filter_kwargs: Mapping[str, Any] | None = None,
    criterion: Mapping[str, Any] | None = None,
    max_abs_strain: float = 0.1,
    npoints: int = 11,
) -> dict[str, Any]:
    """Relax a crystal, and fit an equation of state to its energies at other volumes.

    Parameters
    ----------
    {parameters}
    atoms
        Crystal; it is not changed.
    max_abs_strain
        Largest relative change of the volume.
    npoints
        Number of volumes, five or more.

    Returns
    -------
    dict
        ``"relax"``, the relaxed crystal; ``"points"``, a result for each volume; ``"eos"``, an
        `adatom.analysis.eos.EquationOfState`.
    """
    which = chosen(calculator, calculator_kwargs, dispersion)
    cell = relaxation(optimizer, optimizer_kwargs, filter, filter_kwargs, criterion)
    ions = relaxation(optimizer, optimizer_kwargs, None, None, criterion)
    relaxed = mlip.relax_job(atoms, **cell, **which)
    strains = np.linspace(-max_abs_strain, max_abs_strain, npoints).tolist()
    found = mlip.eos_flow(relaxed["atoms"], strains=strains, relax_job=mlip.relax_job.bind(**ions, **which))
    return {"relax": relaxed, **found}


@job(name="EV", key_functions=KEYS)
@documented_by(chosen)
def EV(
    atoms: Atoms,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    max_abs_strain: float = 0.2,
    npoints: int = 21,
) -> dict[str, Any]:
    """Compute the energies of a crystal at many volumes, without relaxation.

    Parameters
    ----------
    {parameters}
    atoms
        Crystal; it is not changed.
    max_abs_strain
        Largest relative change of the lengths.
    npoints
        Number of volumes, five or more.

    Returns
    -------
    dict
        ``"scan"``, the result of the scan; ``"curve"``, an `adatom.analysis.energy_volume.EnergyVolumeCurve`.
    """
    scan_job = mlip.scan_job.bind(**chosen(calculator, calculator_kwargs, dispersion))
    return mlip.energy_volume_flow(atoms, max_strain=max_abs_strain, number=npoints, scan_job=scan_job)
