"""Optical modes of AlAs at Γ by two ways: forces in supercells with the non-analytical correction, and ph.x alone."""

from _measure import scratch
from ase import units
from ase.build import bulk
from rich.console import Console
from rich.table import Table

from adatom.recipes.espresso import dielectric_job, matdyn_job, phonon_flow, phonon_job, q2r_job, static_job

CRYSTAL = bulk("AlAs", "zincblende", a=5.6)
CONSOLE = Console(width=100)


def settings(koffset: int) -> dict:
    """Parameters of `static_job`: 4 points along each vector of the crystal, and 2 along those of its supercell."""
    options = {"kspacing": 0.49, "koffset": (koffset,) * 3, "input_data": {"conv_thr": 1e-12}}
    return {"preset": ["semiconductor", "lda"], "calc_kwargs": options}


def sums_of_charges() -> Table:
    """The acoustic sum rule on two grids of k points."""
    table = Table("koffset", "sum of the Born charges (e)", "dielectric constant")
    for koffset in (0, 1):
        found = dielectric_job(static_job(CRYSTAL, **settings(koffset)))["results"]
        total, screening = found["born_charges"].sum(axis=0)[0, 0], found["dielectric"][0, 0]
        table.add_row(f"{(koffset,) * 3}", f"{total:.2f}", f"{screening:.2f}")
    return table


def modes() -> Table:
    """The optical modes at Γ, in cm⁻¹."""
    found = phonon_flow(
        CRYSTAL,
        polar=True,
        run_relax=False,
        supercell_matrix=[2, 2, 2],
        mesh=[8, 8, 8],
        job_params={"static_job": settings(1)},
    )
    whole = phonon_job(found["polar"][0], grid=(1, 1, 1))
    by_ph = matdyn_job(q2r_job(whole), qpoints=[[0, 0, 1e-4]])["results"]["frequencies"][0]
    phonons = found["phonons"]
    ours = phonons["bands"]["frequencies"][0] * 1e12 * units._hplanck / units._e / units.invcm
    charge, screening = abs(phonons["born_charges"][0, 0, 0]), phonons["dielectric"][0, 0]
    table = Table("", "transverse", "longitudinal", title=f"Born charges ±{charge:.2f} e, ε = {screening:.2f}: cm⁻¹")
    table.add_row("phonon_flow(polar=True)", f"{ours[3]:.1f}", f"{ours[5]:.1f}")
    table.add_row("phonon_job, q2r_job, matdyn_job", f"{by_ph[3]:.1f}", f"{by_ph[5]:.1f}")
    return table


def main() -> None:
    with scratch():
        CONSOLE.print(sums_of_charges())
        CONSOLE.print(modes())


if __name__ == "__main__":
    main()
