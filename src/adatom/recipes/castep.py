"""CASTEP: density-functional theory with plane waves and pseudopotentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_crystal
from adatom.calculators.castep import Castep, potentials
from adatom.calculators.k_points import k_grid, numbers_or_spacing
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

# Keywords that are written from the structure and from other arguments, and what sets them.
_SET = {
    "lattice_cart": "the structure",
    "lattice_abc": "the structure",
    "positions_abs": "the structure",
    "positions_frac": "the structure",
    "ionic_constraints": "the constraints of the structure",
    "species_pot": "species_pot",
    **dict.fromkeys(
        ("kpoint_mp_grid", "kpoints_mp_grid", "kpoint_mp_spacing", "kpoints_mp_spacing"), "kpts or kspacing"
    ),
    "task": "the job",
    "charge": "charge",
}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a structure without a cell, missing k points and potentials, and keywords that other arguments set.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_crystal(atoms, "CASTEP")
    words = [word.lower() for name in ("param", "cell") for word in calc_kwargs.get(name) or ()]
    for word in words:
        if word in _SET:
            raise InputError(f"{word} is set by {_SET[word]}. Leave it out of param and cell.")
    if not {"kpoint_list", "kpoints_list"} & {*words}:
        numbers_or_spacing(atoms, calc_kwargs)
    potentials(atoms, calc_kwargs.get("species_pot"))


castep = Code(
    "CASTEP",
    Castep,
    parameters=("param", "cell", "species_pot", "kpts", "kspacing", "charge"),
    check=check,
    derive=k_grid,
)

static_job = castep.job(jobs.static_job)
relax_job = castep.job(jobs.relax_job)
md_job = castep.job(jobs.md_job)
freq_job = castep.job(jobs.freq_job)
neb_job = castep.job(jobs.neb_job)
ts_job = castep.job(jobs.ts_job)
irc_job = castep.job(jobs.irc_job)

castep.bind_flows()
