"""How the energy of copper depends on its volume, and what that says of the crystal."""

from ase.build import bulk

from adatom import get_settings
from adatom.recipes.emt import eos_flow

result = eos_flow(bulk("Cu"), strains=[-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06])

for run in result["points"]:
    print(f"{run['atoms'].get_volume():8.3f} Å³ {run['results']['energy']:10.6f} eV")
eos = result["eos"]
print(f"{get_settings().workflow_engine}: {eos['v0']:.3f} Å³, bulk modulus {eos['bulk_modulus']:.1f} GPa")
