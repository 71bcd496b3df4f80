"""Flows over crystals with the Lennard-Jones potential."""

from adatom.recipes.common import eos
from adatom.recipes.lj.core import relax_job, static_job

__all__ = ["eos_flow"]

eos_flow = eos.eos_flow.bind(relax_job=relax_job, static_job=static_job)
