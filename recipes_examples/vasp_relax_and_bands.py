"""Relax a crystal with VASP, in two runs, and compute its bands along a path and on a grid.

VASP and its potentials have to be there: see docs/codes/vasp.md.
"""

from ase.build import bulk

from adatom import flow, get_settings
from adatom.recipes.vasp import double_relax_flow, non_scf_job, static_job

rough = {"kspacing": 0.4}


@flow
def bands_flow(atoms):
    relaxed = double_relax_flow(atoms, job_params={"all": {"calc_kwargs": rough}})["second_relax"]
    density = static_job(relaxed["atoms"], calc_kwargs={**rough, "lcharg": True})
    return {
        "relaxed": relaxed,
        "line": non_scf_job(density, mode="line", path="XGL", npoints=21),
        "grid": non_scf_job(density),
    }


out = bands_flow(bulk("Al"))
side = (4 * out["relaxed"]["atoms"].get_volume()) ** (1 / 3)
print(f"{get_settings().workflow_engine}: lattice constant {side:.2f} Å")
bands, grid = out["line"]["results"], out["grid"]["results"]
print("special points at", ", ".join(f"{name} {place:.2f}" for place, name in bands["labels"]), "1/Å")
print(f"lowest band: {bands['eigenvalues'][0, :, 0].min():.2f} to {bands['eigenvalues'][0, :, 0].max():.2f} eV")
print(f"on a grid: {len(grid['kpoints'])} k points, Fermi energy {grid['fermi_energy']:.1f} eV")
