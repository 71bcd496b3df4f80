"""Relax a crystal, the atoms and the cell, and look at the result."""

from ase.build import bulk
from ase.io import read

from adatom.recipes.emt import relax_job

copper = bulk("Cu", cubic=True)
copper.rattle(0.05, seed=1)

result = relax_job(copper, relax_cell=True, fmax=0.001)

print(f"energy            {result['results']['energy']:.4f} eV")
print(f"lattice constant  {result['atoms'].cell.lengths()[0]:.3f} Å")
print(f"steps             {result['steps']}")
print(f"structures kept   {len(read(result['trajectory'], ':'))}")
