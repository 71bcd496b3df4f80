"""The Lennard-Jones potential, with ASE's `LennardJones`: one set of parameters for all elements."""

from ase.calculators.lj import LennardJones

from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

lj = Code("Lennard-Jones", LennardJones, parameters=tuple(LennardJones.default_parameters))

static_job = lj.job(jobs.static_job)
scan_job = lj.job(jobs.scan_job)
widom_job = lj.job(jobs.widom_job)
relax_job = lj.job(jobs.relax_job)
md_job = lj.job(jobs.md_job)
freq_job = lj.job(jobs.freq_job)
neb_job = lj.job(jobs.neb_job)
ts_job = lj.job(jobs.ts_job)
irc_job = lj.job(jobs.irc_job)

lj.bind_flows()
