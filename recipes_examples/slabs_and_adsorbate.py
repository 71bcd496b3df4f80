"""Surface energies of a metal, and oxygen on its most stable surface."""

import numpy as np
from ase.build import bulk

from adatom import flow, job
from adatom.recipes.emt.core import relax_job
from adatom.recipes.emt.slabs import bulk_to_slabs_flow, slab_to_ads_flow


def surface_energy(slab, crystal):
    """In eV/Å²; a slab has two surfaces."""
    excess = slab["results"]["energy"] - crystal["results"]["energy"] * len(slab["atoms"]) / len(crystal["atoms"])
    return excess / (2 * np.linalg.norm(np.cross(*slab["atoms"].cell[:2])))


@job
def most_stable(slabs, crystal):
    return min(slabs, key=lambda slab: surface_energy(slab, crystal))["atoms"]


@flow
def workflow(atoms):
    crystal = relax_job(atoms, relax_cell=True)
    slabs = bulk_to_slabs_flow(crystal["atoms"], run_static=False, slab_kwargs={"z_fix": None})
    best = most_stable(slabs["relax"], crystal)
    oxygen = slab_to_ads_flow(best, "O", run_static=False, ads_kwargs={"distance": 1.2})
    return {"crystal": crystal, "slabs": slabs["relax"], "oxygen": oxygen["relax"]}


out = workflow(bulk("Cu", cubic=True))
for slab in out["slabs"]:
    index = "".join(str(i) for i in slab["atoms"].info["miller_index"])
    print(f"Cu({index})  {surface_energy(slab, out['crystal']):.4f} eV/Å²")
lowest = min(result["results"]["energy"] for result in out["oxygen"])
for result in out["oxygen"]:
    info = result["atoms"].info
    print(f"O {info['site']:7} {info['site_index']}  {result['results']['energy'] - lowest:.3f} eV above the best site")
