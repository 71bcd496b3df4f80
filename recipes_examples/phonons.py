"""Phonons of copper: a displaced supercell of the relaxed crystal, and what follows from its forces."""

from ase.build import bulk

from adatom.recipes.emt import phonon_flow

result = phonon_flow(bulk("Cu"), supercell_matrix=[3, 3, 3], mesh=30)

phonons, runs = result["phonons"], result["relax"] + result["static"]
print("runs:", ", ".join(f"{run['name']} of {len(run['atoms'])} atoms" for run in runs))
print(f"force constants {phonons['force_constants'].shape}, {phonons['imaginary_modes']} imaginary modes")

bands, thermal = phonons["bands"], phonons["thermal_properties"]
print(f"along {bands['path']} up to {bands['frequencies'].max():.2f} THz")
for index in (0, 10, 30, 100):
    print(f"{thermal['temperatures'][index]:6.0f} K  F = {thermal['free_energy'][index]:.4f} eV", end="")
    print(f"  C = {thermal['heat_capacity'][index] * 1e6:.1f} µeV/K")
