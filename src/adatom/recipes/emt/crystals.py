"""Flows over crystals with effective medium theory."""

from adatom.recipes.common import convergence, elastic, eos
from adatom.recipes.emt.core import relax_job, static_job

__all__ = ["convergence_flow", "elastic_tensor_flow", "eos_flow"]

convergence_flow = convergence.convergence_flow.bind(static_job=static_job)
elastic_tensor_flow = elastic.elastic_tensor_flow.bind(relax_job=relax_job, static_job=static_job)
eos_flow = eos.eos_flow.bind(relax_job=relax_job, static_job=static_job)
