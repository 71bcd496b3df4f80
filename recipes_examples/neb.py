"""The way of a gold adatom from one hollow site of Al(100) to the next, and what it costs."""

from ase.build import add_adsorbate, fcc100
from ase.constraints import FixAtoms

from adatom.recipes.emt import neb_flow

initial = fcc100("Al", (2, 2, 3), vacuum=4, periodic=True)
add_adsorbate(initial, "Au", 1.7, "hollow")
initial.set_constraint(FixAtoms(mask=initial.get_tags() > 1))
final = initial.copy()
final.positions[-1, 0] += final.cell[0, 0] / 2

result = neb_flow(initial, final, images=3, job_params={"neb_job": {"fmax": 0.02}})
path = result["path"]

print(f"barrier {path['forward_barrier']:.3f} eV, and {path['reverse_barrier']:.3f} eV back")
for coordinate, energy in zip(path["coordinates"], path["energies"], strict=True):
    print(f"{coordinate:6.2f} Å  {energy:.3f} eV")
