"""Molecular dynamics: heat copper up with a thermostat, then go on without one."""

import numpy as np
from ase.build import bulk
from ase.io import read

from adatom import flow
from adatom.recipes.emt import md_job


@flow
def heat_flow(atoms, temperature):
    heated = md_job(atoms, dynamics="NVT", temperature=temperature, steps=200, timestep=5.0, seed=1)
    free = md_job(heated["atoms"], dynamics="NVE", steps=200, timestep=5.0)  # with the velocities that it has
    return {"heated": heated, "free": free}


out = heat_flow(bulk("Cu", cubic=True) * (3, 3, 3), 300.0)

frames = read(out["free"]["trajectory"], ":")
energies = [(frame.get_potential_energy() + frame.get_kinetic_energy()) / len(frame) for frame in frames]
print(f"atoms                {len(frames[0])}")
print(f"time kept            {len(frames) - 1} x 10 steps of {out['free']['parameters']['timestep']} fs")
print(f"mean temperature     {np.mean([frame.get_temperature() for frame in frames]):.0f} K")
print(f"drift of the energy  {1000 * (max(energies) - min(energies)):.2f} meV/atom")
