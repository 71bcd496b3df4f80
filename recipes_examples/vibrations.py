"""Vibrations and thermochemistry: a molecule in the gas phase, and an atom on a surface.

EMT is made for metals: its numbers for molecules show the way and no more.
"""

from ase.build import add_adsorbate, fcc111, molecule

from adatom import flow
from adatom.recipes.emt import freq_job, relax_job


@flow
def gas_flow(atoms, temperature):
    """An ideal gas, by default at 1 bar."""
    relaxed = relax_job(atoms, fmax=0.001)
    return freq_job(relaxed["atoms"], temperature=temperature)


@flow
def adsorbate_flow(atoms, indices, temperature):
    """Only the adsorbate vibrates, so its harmonic free energy is what is left."""
    relaxed = relax_job(atoms, fmax=0.001)
    return freq_job(relaxed["atoms"], indices=indices, temperature=temperature)


def show(name, result, free_energy):
    frequencies = " ".join(f"{wave_number:.0f}" for wave_number in result["results"]["frequencies"])
    thermo = result["thermo"]
    print(f"{name}: {frequencies} cm⁻¹, zero-point energy {thermo['zpe']:.3f} eV")
    print(f"{thermo['model']}, {thermo['temperature']:.0f} K: {free_energy} = {thermo[free_energy]:.3f} eV")


slab = fcc111("Cu", (2, 2, 3), vacuum=8, periodic=True)
add_adsorbate(slab, "O", 1.2, "fcc")

show("N2", gas_flow(molecule("N2"), 500.0), "gibbs_energy")
show("O on Cu(111)", adsorbate_flow(slab, [12], 500.0), "helmholtz_energy")
