"""ONETEP: density-functional theory of large structures with localized functions, at the Γ point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_crystal
from adatom.calculators.onetep import Onetep, potentials, spin_of
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

# Keywords that are written from the structure and from other arguments, and what sets them.
_SET = {
    **dict.fromkeys(("positions_abs", "positions_frac", "lattice_cart"), "the structure"),
    **dict.fromkeys(("pseudo_path", "species_pot"), "pseudopotentials"),
    "task": "the job",
    "charge": "charge",
}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a structure without a cell, missing potentials, and keywords that other arguments set.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_crystal(atoms, "ONETEP")
    keywords = {word.lower(): value for word, value in (calc_kwargs.get("keywords") or {}).items()}
    for word in keywords:
        if word in _SET:
            raise InputError(f"{word} is set by {_SET[word]}. Leave it out of keywords.")
    spin = spin_of(atoms)
    if "spin" not in keywords and not isinstance(spin, int) and not (calc_kwargs.get("edft") or keywords.get("edft")):
        raise InputError(
            f"The initial magnetic moments add up to {spin:g}; ONETEP takes whole numbers, unless edft=True. Set that, "
            "moments with a whole sum, or keywords={'spin': 2}."
        )
    potentials(atoms, calc_kwargs.get("pseudopotentials"))


onetep = Code(
    "ONETEP",
    Onetep,
    parameters=("keywords", "xc", "edft", "ngwf_count", "ngwf_radius", "pseudopotentials", "charge"),
    check=check,
)

static_job = onetep.job(jobs.static_job)
relax_job = onetep.job(jobs.relax_job)
md_job = onetep.job(jobs.md_job)
freq_job = onetep.job(jobs.freq_job)
neb_job = onetep.job(jobs.neb_job)
ts_job = onetep.job(jobs.ts_job)
irc_job = onetep.job(jobs.irc_job)

onetep.bind_flows()
