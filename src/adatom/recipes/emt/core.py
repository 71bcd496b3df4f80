"""Jobs with effective medium theory."""

from ase.calculators.emt import EMT
from ase.calculators.emt import parameters as elements

from adatom.recipes.common import core
from adatom.recipes.common.code import Code

__all__ = ["freq_job", "irc_job", "md_job", "neb_job", "relax_job", "static_job", "ts_job"]

emt = Code("EMT", EMT, elements=tuple(elements), parameters=tuple(EMT.default_parameters))

static_job = emt.job(core.static_job)
relax_job = emt.job(core.relax_job)
md_job = emt.job(core.md_job)
freq_job = emt.job(core.freq_job)
neb_job = emt.job(core.neb_job)
ts_job = emt.job(core.ts_job)
irc_job = emt.job(core.irc_job)
