"""Effective medium theory, with ASE's `EMT`: metals in milliseconds, to learn and to test with."""

from ase.calculators.emt import EMT
from ase.calculators.emt import parameters as elements

from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

emt = Code("EMT", EMT, elements=tuple(elements), parameters=tuple(EMT.default_parameters))

static_job = emt.job(jobs.static_job)
scan_job = emt.job(jobs.scan_job)
widom_job = emt.job(jobs.widom_job)
relax_job = emt.job(jobs.relax_job)
md_job = emt.job(jobs.md_job)
freq_job = emt.job(jobs.freq_job)
neb_job = emt.job(jobs.neb_job)
ts_job = emt.job(jobs.ts_job)
irc_job = emt.job(jobs.irc_job)

emt.bind_flows()
