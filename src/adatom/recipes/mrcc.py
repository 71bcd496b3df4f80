"""MRCC: coupled clusters of any order and local correlation for molecules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_molecule, check_state
from adatom.calculators.mrcc import MRCC
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

_SET = {
    "mult": "It is multiplicity here, as for all codes.",
    "gopt": "With it MRCC moves the atoms: use relax_job.",
    "freq": "With it MRCC moves the atoms: use freq_job.",
    **dict.fromkeys(("geom", "unit", "qmmm", "symm", "mpitasks"), "The job sets it."),
}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, keywords that the job sets, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "MRCC")
    for name, reason in _SET.items():
        if name in calc_kwargs:
            raise InputError(f"calc_kwargs has {name!r}. {reason}")
    check_state(atoms, calc_kwargs)


mrcc = Code("MRCC", MRCC, check=check)

# Of CCSD(T), which MRCC is there for, it has no gradient.
static_job = mrcc.job(jobs.static_job).bind(properties=("energy",))
relax_job = mrcc.job(jobs.relax_job)
md_job = mrcc.job(jobs.md_job)
freq_job = mrcc.job(jobs.freq_job)
neb_job = mrcc.job(jobs.neb_job)
ts_job = mrcc.job(jobs.ts_job)
irc_job = mrcc.job(jobs.irc_job)

mrcc.bind_flows()
