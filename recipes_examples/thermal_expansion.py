"""Thermal expansion of copper in the quasi-harmonic approximation: phonons at eight volumes."""

from ase.build import bulk

from adatom.recipes.emt import qha_flow

result = qha_flow(bulk("Cu"), supercell_matrix=[2, 2, 2], mesh=20, t_step=300)

qha = result["qha"]
print(f"{len(result['points'])} volumes from {qha['point_volumes'].min():.2f} to {qha['point_volumes'].max():.2f} Å³")
for index in range(4):
    print(
        f"{qha['temperatures'][index]:5.0f} K  V = {qha['volumes'][index]:.3f} Å³  "
        f"expansion {qha['thermal_expansion'][index] * 1e6:.1f}e-6 / K  K = {qha['bulk_moduli'][index]:.0f} GPa"
    )
