"""Q-Chem: quantum chemistry of molecules with Gaussian functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_molecule, check_state
from adatom.calculators.qchem import QChem
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

_SET = {
    "jobtype": "The job sets it: use static_job, relax_job, freq_job, native_ts_job or native_irc_job.",
    **dict.fromkeys(("geom_opt_max_cycles", "rpath_max_cycles"), "The job sets it: give max_steps."),
    "geom_opt_tol_gradient": "The job sets it: give fmax.",
    **dict.fromkeys(("geom_opt_hessian", "rpath_direction"), "native_ts_job and native_irc_job set it."),
    "sym_ignore": "It is set, so that the axes stay those of the structure.",
    **dict.fromkeys(("cis_n_roots", "ee_states"), "Energies of excited states are not read."),
    **dict.fromkeys(("np", "nt"), "The job's resources set it."),
    **dict.fromkeys(("scratch", "pbs"), "Set the variable QCSCRATCH, and the command of qchem."),
    **dict.fromkeys(("basisfile", "ecpfile"), "Give the text: sections={'basis': ...}."),
}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, variables that the job sets, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "Q-Chem")
    for name, reason in _SET.items():
        if name in map(str.lower, calc_kwargs):
            raise InputError(f"calc_kwargs has {name!r}. {reason}")
    check_state(atoms, calc_kwargs)


qchem = Code("Q-Chem", QChem, check=check)

static_job = qchem.job(jobs.static_job)
relax_job = qchem.job(jobs.native_relax_job, name="relax_job")
ase_relax_job = qchem.job(jobs.relax_job, name="ase_relax_job")
md_job = qchem.job(jobs.md_job)
freq_job = qchem.job(jobs.freq_job)
neb_job = qchem.job(jobs.neb_job)
ts_job = qchem.job(jobs.ts_job)
native_ts_job = qchem.job(jobs.native_ts_job)
irc_job = qchem.job(jobs.irc_job)
native_irc_job = qchem.job(jobs.native_irc_job)

qchem.bind_flows()
