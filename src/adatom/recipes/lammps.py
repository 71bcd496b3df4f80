"""LAMMPS: classical and machine-learned potentials, one run of the program for each structure."""

from adatom.calculators.lammps import Lammps, check
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

lammps = Code("LAMMPS", Lammps, parameters=tuple(Lammps.default_parameters), check=check)

static_job = lammps.job(jobs.static_job)
relax_job = lammps.job(jobs.relax_job)
md_job = lammps.job(jobs.md_job)
freq_job = lammps.job(jobs.freq_job)
neb_job = lammps.job(jobs.neb_job)
ts_job = lammps.job(jobs.ts_job)
irc_job = lammps.job(jobs.irc_job)

lammps.bind_flows()
