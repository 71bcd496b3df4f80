"""Flows over surfaces with machine-learned potentials."""

from adatom.recipes.common import slabs
from adatom.recipes.mlip.core import relax_job, static_job

__all__ = ["bulk_to_slabs_flow", "slab_to_ads_flow"]

bulk_to_slabs_flow = slabs.bulk_to_slabs_flow.bind(relax_job=relax_job, static_job=static_job)
slab_to_ads_flow = slabs.slab_to_ads_flow.bind(relax_job=relax_job, static_job=static_job)
