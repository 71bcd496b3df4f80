"""One job over many structures: an equation of state. Short jobs travel in batches by themselves."""

import numpy as np
from ase import units
from ase.build import bulk
from ase.eos import EquationOfState

from adatom.recipes.emt import static_job

structures = [bulk("Cu", a=a) for a in np.linspace(3.45, 3.75, 61)]

results = static_job.map(structures)

volumes = [atoms.get_volume() for atoms in structures]
volume, energy, bulk_modulus = EquationOfState(volumes, [r["results"]["energy"] for r in results]).fit()
print(f"{len(results)} structures")
print(f"lattice constant  {(4 * volume) ** (1 / 3):.3f} Å")
print(f"bulk modulus      {bulk_modulus / units.GPa:.0f} GPa")
