"""VASP: density-functional theory with plane waves and projector augmented waves."""

from adatom.recipes.common import jobs, slabs
from adatom.recipes.common.flows import *  # noqa: F403
from adatom.recipes.vasp import matpes, mp, relax
from adatom.recipes.vasp._code import vasp as vasp
from adatom.recipes.vasp.bands import non_scf_job as non_scf_job

static_job = vasp.job(jobs.static_job)
relax_job = vasp.job(jobs.native_relax_job, name="relax_job")
ase_relax_job = vasp.job(jobs.relax_job, name="ase_relax_job")
md_job = vasp.job(jobs.md_job)
freq_job = vasp.job(jobs.freq_job)
neb_job = vasp.job(jobs.neb_job)
ts_job = vasp.job(jobs.ts_job)
irc_job = vasp.job(jobs.irc_job)

double_relax_flow = vasp.bind(
    relax.double_relax_flow,
    first_relax_job=relax_job.bind(relax_cell=True),
    second_relax_job=relax_job.bind(relax_cell=True),
)
mp_gga_relax_flow = vasp.bind(
    mp.mp_gga_relax_flow,
    first_relax_job=relax_job.bind(preset="mp_gga_relax", relax_cell=True),
    second_relax_job=relax_job.bind(preset="mp_gga_relax", relax_cell=True),
    static_job=static_job.bind(preset="mp_gga_static"),
)
mp_metagga_relax_flow = vasp.bind(
    mp.mp_metagga_relax_flow,
    pre_relax_job=relax_job.bind(preset="mp_pbesol_relax", relax_cell=True, fmax=0.05),
    relax_job=relax_job.bind(preset="mp_r2scan_relax", relax_cell=True, fmax=0.02),
    static_job=static_job.bind(preset="mp_r2scan_static"),
)
matpes_static_flow = vasp.bind(
    matpes.matpes_static_flow,
    pbe_job=static_job.bind(preset="matpes_pbe_static"),
    r2scan_job=static_job.bind(preset="matpes_r2scan_static"),
    pbe_u_job=static_job.bind(preset="matpes_pbe_u_static"),
)

_of_slabs = {"relax_job": relax_job.bind(preset="slab"), "static_job": static_job.bind(preset="slab")}
bulk_to_slabs_flow = vasp.bind(slabs.bulk_to_slabs_flow, **_of_slabs)
slab_to_ads_flow = vasp.bind(slabs.slab_to_ads_flow, **_of_slabs)

vasp.bind_flows()
