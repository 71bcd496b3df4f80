"""Energies of a crystal by its volume, far from equilibrium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job, subflow
from adatom.analysis.energy_volume import EnergyVolumeCurve, energy_volume_curve
from adatom.atoms.deformations import scale_volume
from adatom.errors import InputError
from adatom.recipes.common.code import unbound
from adatom.recipes.common.same_settings import with_settings_of
from adatom.schemas.results import ScanPoints

__all__ = ["energy_volume_flow"]


@subflow
def energy_volume_flow(
    atoms: Atoms,
    *,
    scan_job: Callable[..., Any] = unbound,
    max_strain: float = 0.2,
    number: int = 21,
    arena_compat: bool = False,
) -> dict[str, Any]:
    """Compute the energies of a crystal at many volumes without relaxation, and measure how physical their curve is.

    `eos_flow` is for the bulk modulus: close to equilibrium, and with relaxed ions.

    Parameters
    ----------
    atoms
        Crystal whose volume is changed.
    scan_job
        Job that computes the crystal at all volumes.
    max_strain
        Largest relative change of the lengths, up and down; 0.2 gives volumes from 0.512 to 1.728 of that of `atoms`.
    number
        Number of volumes, five or more, with evenly spaced lengths.
    arena_compat
        Same as in `adatom.analysis.energy_volume.energy_volume_curve`.

    Returns
    -------
    dict
        ``"scan"``: the result of the scan. ``"curve"``: an `EnergyVolumeCurve`.

    Raises
    ------
    InputError
        A parameter is out of range.
    FlowFailure
        The crystal failed at all volumes.
    """
    if not 0 < max_strain < 1 or number < 5:
        raise InputError(
            f"max_strain is {max_strain!r} and number {number!r}. Give one between 0 and 1, and 5 or more."
        )
    lengths = 1 + np.linspace(-max_strain, max_strain, number)
    structures = scale_volume(atoms, (lengths**3 - 1).tolist())
    scan = with_settings_of(scan_job, atoms)(structures, properties=["energy"])
    volumes = [structure.get_volume() for structure in structures]
    return {"scan": scan, "curve": measure(scan["points"], volumes, arena_compat)}


@job
def measure(points: ScanPoints, volumes: list[float], arena_compat: bool) -> EnergyVolumeCurve:
    """Return the curve of a crystal."""
    return energy_volume_curve(volumes, points["energies"], arena_compat=arena_compat)
