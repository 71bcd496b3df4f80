"""Surface energies of a metal, and oxygen on its most stable surface."""

from ase.build import bulk

from adatom import flow, job
from adatom.recipes.emt import bulk_to_slabs_flow, relax_job, slab_to_ads_flow


@job
def most_stable(slabs, energies):
    surfaces = energies["surfaces"]
    best = min(range(len(surfaces)), key=lambda index: surfaces[index]["surface_energy"])
    return slabs[best]["atoms"]


@flow
def workflow(atoms):
    crystal = relax_job(atoms, relax_cell=True)
    slabs = bulk_to_slabs_flow(crystal["atoms"], run_static=False, slab_kwargs={"z_fix": None})
    best = most_stable(slabs["relax"], slabs["surface_energies"])
    oxygen = slab_to_ads_flow(best, "O", run_static=False, ads_kwargs={"distance": 1.2})
    return {"slabs": slabs["surface_energies"], "oxygen": oxygen["adsorption_energies"]}


out = workflow(bulk("Cu", cubic=True))
for surface in out["slabs"]["surfaces"]:
    index = "".join(str(i) for i in surface["miller_index"])
    print(f"Cu({index})  {surface['surface_energy']:.3f} J/m²")
for site in out["oxygen"]["sites"]:
    print(f"O {site['site']:7} {site['site_index']}  {site['adsorption_energy']:.3f} eV")
