"""Flows over crystals with Quantum ESPRESSO."""

from adatom.recipes.common import convergence, defects, elastic, eos, phonons, qha
from adatom.recipes.espresso.core import relax_job, static_job

__all__ = [
    "bulk_to_defects_flow",
    "convergence_flow",
    "elastic_tensor_flow",
    "eos_flow",
    "phonon_flow",
    "qha_flow",
]

bulk_to_defects_flow = defects.bulk_to_defects_flow.bind(relax_job=relax_job, static_job=static_job)
convergence_flow = convergence.convergence_flow.bind(static_job=static_job)
elastic_tensor_flow = elastic.elastic_tensor_flow.bind(
    relax_job=relax_job,
    static_job=static_job,
    run_static=True,  # pw.x gives no stress where it relaxes ions only
)
eos_flow = eos.eos_flow.bind(relax_job=relax_job, static_job=static_job)
phonon_flow = phonons.phonon_flow.bind(relax_job=relax_job, static_job=static_job)
qha_flow = qha.qha_flow.bind(relax_job=relax_job, static_job=static_job)
