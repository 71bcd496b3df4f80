"""Use the code that morse.py adds, beside this script."""

from ase.build import bulk
from morse import bulk_to_slabs_flow, relax_job

copper = relax_job(bulk("Cu"), relax_cell=True)
print(f"lattice constant  {copper['atoms'].cell.lengths()[0] * 2**0.5:.3f} Å")
print(f"cohesive energy   {-copper['results']['energy']:.3f} eV/atom")

slabs = bulk_to_slabs_flow(copper["atoms"], run_static=False, slab_kwargs={"min_length_width": None})
for slab in slabs["relax"]:
    print(slab["atoms"].info["miller_index"], f"{slab['results']['energy'] / len(slab['atoms']):.3f} eV/atom")
