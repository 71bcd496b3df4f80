"""Quantum ESPRESSO: density-functional theory with plane waves and pseudopotentials."""

from adatom.recipes.common import elastic, jobs, qha, slabs
from adatom.recipes.common import phonons as common_phonons
from adatom.recipes.common.flows import *  # noqa: F403
from adatom.recipes.espresso import bands, dos, phonons
from adatom.recipes.espresso.bands import bands_pp_job as bands_pp_job
from adatom.recipes.espresso.bands import bands_pw_job as bands_pw_job
from adatom.recipes.espresso.dos import dos_job as dos_job
from adatom.recipes.espresso.dos import projwfc_job as projwfc_job
from adatom.recipes.espresso.phonons import dielectric_job as dielectric_job
from adatom.recipes.espresso.phonons import matdyn_job as matdyn_job
from adatom.recipes.espresso.phonons import phonon_job as phonon_job
from adatom.recipes.espresso.phonons import q2r_job as q2r_job
from adatom.recipes.espresso.pw import espresso as espresso
from adatom.recipes.espresso.pw import non_scf_job as non_scf_job
from adatom.recipes.espresso.pw import post_processing_job as post_processing_job

static_job = espresso.job(jobs.static_job)
relax_job = espresso.job(jobs.native_relax_job, name="relax_job")
ase_relax_job = espresso.job(jobs.relax_job, name="ase_relax_job")
md_job = espresso.job(jobs.md_job)
freq_job = espresso.job(jobs.freq_job)
neb_job = espresso.job(jobs.neb_job)
ts_job = espresso.job(jobs.ts_job)
irc_job = espresso.job(jobs.irc_job)

bands_flow = espresso.bind(bands.bands_flow)
dos_flow = espresso.bind(dos.dos_flow)
projwfc_flow = espresso.bind(dos.projwfc_flow)
phonon_dos_flow = espresso.bind(phonons.phonon_dos_flow)
grid_phonon_flow = espresso.bind(phonons.grid_phonon_flow)

# pw.x gives no stress where it relaxes ions only.
elastic_tensor_flow = espresso.bind(elastic.elastic_tensor_flow, run_static=True)

phonon_flow = espresso.bind(common_phonons.phonon_flow, dielectric_job=dielectric_job)
qha_flow = espresso.bind(qha.qha_flow, dielectric_job=dielectric_job)

_of_slabs = {"relax_job": relax_job.bind(preset="slab"), "static_job": static_job.bind(preset="slab")}
bulk_to_slabs_flow = espresso.bind(slabs.bulk_to_slabs_flow, **_of_slabs)
slab_to_ads_flow = espresso.bind(slabs.slab_to_ads_flow, **_of_slabs)

espresso.bind_flows()
