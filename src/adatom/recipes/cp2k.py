"""CP2K: density-functional theory with Gaussian functions and plane waves, for molecules, liquids and crystals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_crystal, check_positive, check_state
from adatom.calculators.cp2k.calculator import Cp2k
from adatom.calculators.cp2k.data import check_data
from adatom.calculators.cp2k.input import DEFAULTS, has_k_points
from adatom.calculators.k_points import k_grid, numbers_or_spacing
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a missing cell, missing k points, data that are not there, and a state that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_crystal(atoms, "CP2K")
    check_state(atoms, calc_kwargs)
    check_positive(cutoff=calc_kwargs.get("cutoff", DEFAULTS["cutoff"]))
    if not has_k_points(calc_kwargs):
        numbers = numbers_or_spacing(atoms, calc_kwargs)
        if not atoms.pbc.any() and {*numbers} != {1}:
            raise InputError(f"The structure is not periodic, and its k points are {numbers}. Leave them out.")
    elif calc_kwargs.get("kpts") or calc_kwargs.get("kspacing"):
        raise InputError("inp has a section KPOINTS, and calc_kwargs have kpts or kspacing. Give one.")
    check_data(atoms, calc_kwargs)


cp2k = Code("CP2K", Cp2k, parameters=tuple(DEFAULTS), check=check, derive=k_grid)

static_job = cp2k.job(jobs.static_job)
relax_job = cp2k.job(jobs.relax_job)
md_job = cp2k.job(jobs.md_job)
freq_job = cp2k.job(jobs.freq_job)
neb_job = cp2k.job(jobs.neb_job)
ts_job = cp2k.job(jobs.ts_job)
irc_job = cp2k.job(jobs.irc_job)

cp2k.bind_flows()
