"""Relax a crystal with VASP as the Materials Project does, with PBE and with r²SCAN.

VASP and its potentials have to be there: see docs/codes/vasp.md.
"""

from ase.build import bulk

from adatom import flow, get_settings
from adatom.recipes.vasp import mp_gga_relax_flow, mp_metagga_relax_flow


@flow
def both_flow(atoms):
    return {"GGA": mp_gga_relax_flow(atoms), "r²SCAN": mp_metagga_relax_flow(atoms)}


out = both_flow(bulk("Al"))
for name, runs in out.items():
    volume = runs["static"]["atoms"].get_volume()
    print(f"{get_settings().workflow_engine if name == 'GGA' else name}: {volume:.2f} Å³ per atom")
print(f"band gap {out['r²SCAN']['bandgap']:.1f} eV")
