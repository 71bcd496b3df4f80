"""A transition state with Sella, and the two structures that it connects: an adatom between two sites of Al(100)."""

from ase.build import add_adsorbate, fcc100
from ase.constraints import FixAtoms

from adatom import flow
from adatom.recipes.emt import irc_flow, ts_flow

slab = fcc100("Al", (2, 2, 3), vacuum=4, periodic=True)
add_adsorbate(slab, "Al", 1.8, "bridge")
slab.set_constraint(FixAtoms(mask=slab.get_tags() > 1))
slab.positions[-1] += 0.1


@flow
def workflow(atoms):
    found = ts_flow(atoms, job_params={"ts_job": {"fmax": 0.001}, "freq_job": {"indices": [12]}})
    return found, irc_flow(found["ts"]["atoms"], job_params={"irc_job": {"irc_kwargs": {"dx": 0.3}}})


found, down = workflow(slab)
path = down["path"]
print(f"imaginary mode  {found['transition_state']['imaginary_frequency']:.0f}i cm⁻¹")
print(f"barriers        {path['forward_barrier']:.3f} eV and {path['reverse_barrier']:.3f} eV")
for name, end in zip(("reverse", "forward"), down["relax"], strict=True):
    x, y, z = end["atoms"].positions[-1]
    print(f"{name:14}  adatom at {x:.2f} {y:.2f} {z:.2f} Å")
