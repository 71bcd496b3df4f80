"""Flows over reactions with effective medium theory."""

from adatom.recipes.common import neb
from adatom.recipes.emt.core import neb_job, relax_job

__all__ = ["neb_flow"]

neb_flow = neb.neb_flow.bind(relax_job=relax_job, neb_job=neb_job)
