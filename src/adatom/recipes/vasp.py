"""VASP: density-functional theory with plane waves and projector augmented waves."""

from adatom.calculators.vasp import PARAMETERS, k_grid, layer, make_vasp
from adatom.recipes.common import jobs, slabs
from adatom.recipes.common.flows import *  # noqa: F403
from adatom.recipes.common.preset_code import PresetCode

vasp = PresetCode("VASP", make_vasp, parameters=PARAMETERS, package="vasp", preset="bulk", layer=layer, derive=k_grid)

static_job = vasp.job(jobs.static_job)
relax_job = vasp.job(jobs.native_relax_job, name="relax_job")
ase_relax_job = vasp.job(jobs.relax_job, name="ase_relax_job")
md_job = vasp.job(jobs.md_job)
freq_job = vasp.job(jobs.freq_job)
neb_job = vasp.job(jobs.neb_job)
ts_job = vasp.job(jobs.ts_job)
irc_job = vasp.job(jobs.irc_job)

_of_slabs = {"relax_job": relax_job.bind(preset="slab"), "static_job": static_job.bind(preset="slab")}
bulk_to_slabs_flow = vasp.bind(slabs.bulk_to_slabs_flow, **_of_slabs)
slab_to_ads_flow = vasp.bind(slabs.slab_to_ads_flow, **_of_slabs)

vasp.bind_flows()
