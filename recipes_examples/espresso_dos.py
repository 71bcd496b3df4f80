"""Copper's density of states with Quantum ESPRESSO: three programs, each on what the one before left."""

from ase.build import bulk

from adatom import get_settings
from adatom.recipes.espresso import dos_flow

few = {"input_data": {"ecutwfc": 20, "ecutrho": 160, "degauss": 0.05}, "kpts": (3, 3, 3)}
result = dos_flow(
    bulk("Cu"),
    job_params={
        "static_job": {"preset": ["metal", "lda"], "calc_kwargs": few},
        "dos_job": {"input_data": {"deltae": 0.1}},
    },
)

found = result["dos"]["results"]
energies, dos = found["energies"] - found["fermi_energy"], found["dos"][0]
print(f"{get_settings().workflow_engine}: {(dos * 0.1)[energies < 0].sum():.0f} electrons below the Fermi energy")
for low in range(-6, 1):
    inside = (energies >= low) & (energies < low + 1)
    print(f"{low:3d} eV {'*' * round(2 * dos[inside].mean())}")
