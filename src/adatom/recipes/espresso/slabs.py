"""Flows over surfaces with Quantum ESPRESSO."""

from adatom.recipes.common import slabs
from adatom.recipes.espresso.core import relax_job, static_job

__all__ = ["bulk_to_slabs_flow", "slab_to_ads_flow"]

jobs = {"relax_job": relax_job.bind(preset="slab"), "static_job": static_job.bind(preset="slab")}
bulk_to_slabs_flow = slabs.bulk_to_slabs_flow.bind(**jobs)
slab_to_ads_flow = slabs.slab_to_ads_flow.bind(**jobs)
