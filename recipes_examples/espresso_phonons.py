"""Phonons of silicon on a grid of q points with Quantum ESPRESSO, each part of each q point a job of its own."""

from ase.build import bulk

from adatom import get_settings
from adatom.recipes.espresso import grid_phonon_flow

rough = {"input_data": {"ecutwfc": 16, "ecutrho": 64}, "kpts": (4, 4, 4)}
result = grid_phonon_flow(
    bulk("Si"),
    grid=(2, 2, 2),
    job_params={
        "static_job": {"preset": ["semiconductor", "lda"], "calc_kwargs": rough},
        "phonon_job": {"input_data": {"tr2_ph": 1e-12}},
    },
)

found = result["phonon"]["results"]
print(f"{get_settings().workflow_engine}: {sum(found['irreps'])} parts of {len(found['irreps'])} q points")
for frequencies in found["frequencies"]:
    print(" ".join(f"{frequency:.0f}" for frequency in frequencies), "cm⁻¹")
