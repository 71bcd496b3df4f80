"""PySCF: Hartree-Fock and density functionals for molecules, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_molecule, check_state
from adatom.calculators.pyscf import PySCF
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "PySCF")
    check_state(atoms, calc_kwargs)


pyscf = Code("PySCF", PySCF, parameters=tuple(PySCF.default_parameters), check=check)

static_job = pyscf.job(jobs.static_job)
relax_job = pyscf.job(jobs.relax_job)
md_job = pyscf.job(jobs.md_job)
freq_job = pyscf.job(jobs.freq_job)
neb_job = pyscf.job(jobs.neb_job)
ts_job = pyscf.job(jobs.ts_job)
irc_job = pyscf.job(jobs.irc_job)

pyscf.bind_flows()
