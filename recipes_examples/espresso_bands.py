"""Bands of silicon and the share of s and p in its density of states, with Quantum ESPRESSO."""

import numpy as np
from ase.build import bulk

from adatom import flow, get_settings
from adatom.recipes.espresso import bands_flow, projwfc_flow

few = {"input_data": {"ecutwfc": 12, "ecutrho": 48}, "kpts": (2, 2, 2)}
settings = {"static_job": {"preset": ["semiconductor", "lda"], "calc_kwargs": few}}


@flow
def electrons_flow(atoms):
    return {
        "bands": bands_flow(atoms, job_params={**settings, "bands_pw_job": {"path": "LGX", "npoints": 11}}),
        "shares": projwfc_flow(atoms, job_params={**settings, "projwfc_job": {"input_data": {"deltae": 0.2}}}),
    }


out = electrons_flow(bulk("Si"))
bands = out["bands"]["bands_pw"]["results"]["eigenvalues"][0]
print(f"{get_settings().workflow_engine}: {len(bands)} k points, {bands.shape[1]} bands")
print(f"width of the valence bands: {np.ptp(bands[:, :4]):.1f} eV")
shares = out["shares"]["projwfc"]["results"]
for letter in "sp":
    dos = sum(one["ldos"][0] for one in shares["projections"] if one["l"] == letter)
    print(f"{letter}: {(dos * 0.2)[shares['energies'] < bands[:, :4].max()].sum():.1f} electrons")
