"""Jobs with the Lennard-Jones potential: one set of parameters for all elements."""

from ase.calculators.lj import LennardJones

from adatom.recipes.common import core
from adatom.recipes.common.code import Code

__all__ = ["freq_job", "irc_job", "md_job", "neb_job", "relax_job", "static_job", "ts_job"]

lj = Code("Lennard-Jones", LennardJones, parameters=tuple(LennardJones.default_parameters))

static_job = lj.job(core.static_job)
relax_job = lj.job(core.relax_job)
md_job = lj.job(core.md_job)
freq_job = lj.job(core.freq_job)
neb_job = lj.job(core.neb_job)
ts_job = lj.job(core.ts_job)
irc_job = lj.job(core.irc_job)
