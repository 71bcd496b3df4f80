"""Motion by the velocity Verlet method, written out, and means of statistical mechanics."""

from ase import units

from . import lennard_jones

FS = units._e**0.5 * 1e-15 / (1e-10 * units._amu**0.5)  # in Å sqrt(amu/eV)


def swing(distance: float, mass: float, steps: int, timestep: float) -> float:
    """Distance in Å of two atoms that start at rest, after some steps of a length in fs."""
    step = timestep * FS
    apart, speed = distance, 0.0

    def acceleration(at: float) -> float:
        return -float(lennard_jones.pair(at)[1]) / (mass / 2)

    now = acceleration(apart)
    for _ in range(steps):
        apart += speed * step + now * step**2 / 2
        then = acceleration(apart)
        speed += (now + then) / 2 * step
        now = then
    return apart


def equipartition(atoms: int, temperature: float) -> float:
    """Mean potential energy in eV of harmonic vibrations above the minimum, with the centre of mass at rest."""
    return 3 * (atoms - 1) * units.kB * temperature / 2
