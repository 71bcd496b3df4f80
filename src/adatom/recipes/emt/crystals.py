"""Flows over crystals with effective medium theory."""

from adatom.recipes.common import eos
from adatom.recipes.emt.core import relax_job, static_job

__all__ = ["eos_flow"]

eos_flow = eos.eos_flow.bind(relax_job=relax_job, static_job=static_job)
