"""Elk: density-functional theory of crystals with linearized augmented plane waves, all electrons included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_crystal
from adatom.calculators.elk import GRIDS, Elk, species_directory
from adatom.calculators.k_points import k_grid, numbers_or_spacing
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse missing k points and species.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_crystal(atoms, "Elk")
    if not any(name in calc_kwargs for name in GRIDS):
        numbers_or_spacing(atoms, calc_kwargs)
    place = species_directory(calc_kwargs)
    if missing := [f"{symbol}.in" for symbol in sorted({*atoms.symbols}) if not (place / f"{symbol}.in").is_file()]:
        raise InputError(
            f"There is no {', '.join(missing)} in {place}. Set ADATOM_DATA_DIRS__ELK to the directory `species` of Elk."
        )


elk = Code("Elk", Elk, check=check, derive=k_grid)

static_job = elk.job(jobs.static_job)
relax_job = elk.job(jobs.relax_job)
md_job = elk.job(jobs.md_job)
freq_job = elk.job(jobs.freq_job)
neb_job = elk.job(jobs.neb_job)
ts_job = elk.job(jobs.ts_job)
irc_job = elk.job(jobs.irc_job)

elk.bind_flows()
