"""Tight binding with tblite: two spin states of methylene, relaxed, and their free energies.

In experiments the triplet lies 0.39 eV below the singlet. Spin polarisation, which xTB has not by itself, decides that.
"""

from ase.build import molecule

from adatom import flow
from adatom.recipes.tblite import freq_job, relax_job


@flow
def state_flow(atoms, multiplicity):
    calc_kwargs = {"method": "GFN1-xTB", "multiplicity": multiplicity, "spin_polarization": 1.0}
    relaxed = relax_job(atoms, fmax=0.001, calc_kwargs=calc_kwargs)
    return freq_job(relaxed["atoms"], calc_kwargs=calc_kwargs)  # its entropy has the spin of the multiplicity


triplet = state_flow(molecule("CH2_s3B1d"), 3)
singlet = state_flow(molecule("CH2_s1A1d"), 1)
for name, state in {"triplet": triplet, "singlet": singlet}.items():
    print(f"{name}: {state['results']['energy']:.2f} eV, angle {state['atoms'].get_angle(1, 0, 2):.0f}°")

print(f"gap of energy       {singlet['results']['energy'] - triplet['results']['energy']:.2f} eV")
print(f"gap of free energy  {singlet['thermo']['gibbs_energy'] - triplet['thermo']['gibbs_energy']:.2f} eV, 298 K")
