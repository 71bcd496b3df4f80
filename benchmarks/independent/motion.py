"""Molecular dynamics."""

from ase import Atoms, units
from ase.build import bulk

from adatom.recipes import emt, lj

from .energies import ARGON
from .row import Row
from .theirs import by_ase, motion

TITLE = "Dynamics"

APART, STEPS, TIMESTEP = 4.2, 300, 10.0  # Å, -, fs
COLD = 30.0  # K: the vibrations are harmonic
PRESSURE = 10.0  # GPa


def swing() -> float:
    pair = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, APART]])
    return lj.md_job(pair, steps=STEPS, timestep=TIMESTEP, calc_kwargs=ARGON)["atoms"].get_distance(0, 1)


def temperature(dynamics: str, kelvin: float) -> float:
    """The mean temperature of 4 atoms in K."""
    run = emt.md_job(
        bulk("Cu", cubic=True), dynamics=dynamics, steps=8000, timestep=5, temperature=kelvin, interval=5, seed=1
    )
    return run["averages"]["temperature"]


def potential_energy() -> float:
    """The mean energy of 32 atoms above their lowest, in eV."""
    crystal = by_ase.cubic(bulk("Cu", cubic=True)) * 2
    run = emt.md_job(crystal, dynamics="Bussi", steps=6000, timestep=5, temperature=COLD, interval=5, seed=1)
    return run["averages"]["energy"] - by_ase.energy(crystal)


def volume() -> float:
    """The mean volume of an atom under pressure, in Å³."""
    crystal = emt.relax_job(bulk("Cu", cubic=True), relax_cell=True, pressure=0.9 * PRESSURE)["atoms"] * 2
    run = emt.md_job(
        crystal, dynamics="NPT", steps=4000, timestep=2, temperature=1.0, pressure=PRESSURE * units.GPa, seed=1
    )
    return run["averages"]["volume"] / len(crystal)


ROWS = (
    Row(
        "Distance of a pair of Ar atoms after 3 ps, Lennard-Jones",
        "Å",
        "lj.md_job",
        "velocity Verlet method, written out",
        swing,
        lambda: motion.swing(APART, Atoms("Ar").get_masses()[0], STEPS, TIMESTEP),
        absolute=1e-6,
        quick=True,
    ),
    *(
        Row(
            f"Mean temperature of 4 Cu atoms, {dynamics}, EMT",
            "K",
            "emt.md_job",
            "temperature of the thermostat; within the error of the mean",
            lambda dynamics=dynamics: temperature(dynamics, 300.0),
            lambda: 300.0,
            relative=5e-2,
        )
        for dynamics in ("Bussi", "NVT", "NoseHooverChainNVT")
    ),
    Row(
        "Mean potential energy of 32 Cu atoms at 30 K, EMT",
        "eV",
        "emt.md_job",
        "equipartition: 3 (N - 1) kT/2 above the lowest energy; within the error of the mean",
        potential_energy,
        lambda: motion.equipartition(32, COLD),
        relative=5e-2,
    ),
    Row(
        "Mean volume of a Cu atom at 10 GPa and 1 K, EMT",
        "Å³",
        "emt.md_job",
        "where -dE/dV is the pressure, by central differences of energies",
        volume,
        lambda: by_ase.volume_under(bulk("Cu"), PRESSURE * units.GPa),
        relative=2e-3,
    ),
)
