"""Flows over crystals with effective medium theory."""

from adatom.recipes.common import convergence, eos
from adatom.recipes.emt.core import relax_job, static_job

__all__ = ["convergence_flow", "eos_flow"]

convergence_flow = convergence.convergence_flow.bind(static_job=static_job)
eos_flow = eos.eos_flow.bind(relax_job=relax_job, static_job=static_job)
