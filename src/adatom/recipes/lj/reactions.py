"""Flows over reactions with the Lennard-Jones potential."""

from adatom.recipes.common import neb
from adatom.recipes.lj.core import neb_job, relax_job

__all__ = ["neb_flow"]

neb_flow = neb.neb_flow.bind(relax_job=relax_job, neb_job=neb_job)
