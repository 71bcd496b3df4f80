"""Molecular dynamics."""

from functools import cache

from ase import Atoms, units
from ase.build import bulk

from adatom.recipes import emt, lj

from .energies import ARGON
from .row import Row
from .theirs import by_ase, motion

TITLE = "Dynamics"

APART, STEPS, TIMESTEP = 4.2, 300, 10.0  # Å, -, fs
KELVIN = 60.0  # at which vibrations are harmonic
THERMOSTATS = {"Bussi": {"taut": 25 * units.fs}, "Langevin": {"friction": 0.02 / units.fs}}
CRYSTAL = by_ase.cubic(bulk("Cu", cubic=True))
PRESSURE = 10.0  # GPa


def swing() -> float:
    pair = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, APART]])
    return lj.md_job(pair, steps=STEPS, timestep=TIMESTEP, calc_kwargs=ARGON)["atoms"].get_distance(0, 1)


@cache
def averages(dynamics: str, **options: float) -> dict:
    """Means over 20 ps of 4 atoms, whose thermostat is fast enough for hundreds of independent values."""
    run = emt.md_job(
        CRYSTAL,
        dynamics=dynamics,
        steps=4000,
        timestep=5,
        temperature=KELVIN,
        interval=5,
        seed=1,
        dynamics_kwargs=options,
    )
    return run["averages"]


def volume() -> float:
    """The mean volume of 4 atoms under pressure, in Å³."""
    crystal = emt.relax_job(CRYSTAL, relax_cell=True, pressure=0.9 * PRESSURE)["atoms"]
    run = emt.md_job(
        crystal, dynamics="NPT", steps=1500, timestep=2, temperature=1.0, pressure=PRESSURE * units.GPa, seed=1
    )
    return run["averages"]["volume"]


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
            f"Mean temperature of 4 Cu atoms, {dynamics} dynamics, EMT",
            "K",
            "emt.md_job",
            "temperature of the thermostat; allowed are three errors of the mean",
            lambda dynamics=dynamics, options=options: averages(dynamics, **options)["temperature"],
            lambda: KELVIN,
            relative=1e-1,
        )
        for dynamics, options in THERMOSTATS.items()
    ),
    Row(
        "Mean potential energy of 4 Cu atoms at 60 K, EMT",
        "eV",
        "emt.md_job",
        "equipartition: 3 (N - 1) kT/2 above the lowest energy; allowed are three errors of the mean",
        lambda: averages("Bussi", **THERMOSTATS["Bussi"])["energy"] - by_ase.energy(CRYSTAL),
        lambda: motion.equipartition(len(CRYSTAL), KELVIN),
        relative=1e-1,
    ),
    Row(
        "Mean volume of 4 Cu atoms at 10 GPa and 1 K, EMT",
        "Å³",
        "emt.md_job",
        "where -dE/dV is the pressure, by central differences of energies",
        volume,
        lambda: by_ase.volume_under(CRYSTAL, PRESSURE * units.GPa),
        relative=2e-3,
    ),
)
