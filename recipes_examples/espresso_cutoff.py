"""Which plane-wave cutoff the energy of silicon needs, with Quantum ESPRESSO."""

from ase.build import bulk

from adatom import get_settings
from adatom.recipes.espresso import convergence_flow

cutoff = "calc_kwargs.input_data.ecutwfc"  # Ry
result = convergence_flow(
    bulk("Si"),
    {cutoff: [12, 16, 20, 24, 28]},
    tolerance=0.01,
    job_params={"static_job": {"preset": ["semiconductor", "lda"], "calc_kwargs": {"kpts": (2, 2, 2)}}},
)

convergence = result["convergence"]
for row in convergence["table"]:
    print(f"{row['value']:4.0f} Ry {row['difference']:.4f} eV per atom from the last")
print(f"{get_settings().workflow_engine}: {convergence['chosen'][cutoff]} Ry")
