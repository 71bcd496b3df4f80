"""Thermal expansion of Cu from ASE's phonons, by phonopy's class and by Grüneisen's parameters."""

from functools import cache

import numpy as np
from ase import units

from .by_ase import at_volume, cubic, energy
from .lattice import COPPER, heat_capacities, helmholtz, on_mesh

STRAINS = (-0.04, -0.02, 0.0, 0.02, 0.04, 0.06, 0.08, 0.10)  # of the volume
SIZE = 3
STEP = 10.0  # K


@cache
def volumes() -> np.ndarray:
    """Volumes of the points in Å³."""
    return cubic(COPPER).get_volume() * (1 + np.array(STRAINS))


@cache
def by_phonopy() -> dict[str, np.ndarray]:
    """What phonopy's `PhonopyQHA` makes of energies and phonons by ASE, by name; temperatures are in steps of 10 K."""
    from phonopy import PhonopyQHA

    temperatures = np.arange(0.0, 700.0, STEP)
    points = [on_mesh(volume, SIZE) for volume in volumes()]
    free = np.array([[helmholtz(point, kelvin) for point in points] for kelvin in temperatures])
    warm = [[heat_capacities(point, kelvin).sum() for point in points] for kelvin in temperatures[1:]]
    capacities = np.vstack([np.zeros(len(points)), warm])
    entropies = -np.gradient(free, STEP, axis=0)
    per_mole = units.mol / units.J
    found = PhonopyQHA(
        volumes(),
        [energy(at_volume(COPPER, volume)) for volume in volumes()],
        temperatures=temperatures,
        free_energy=free * per_mole / 1000,
        cv=capacities * per_mole,
        entropy=entropies * per_mole,
        eos="birch_murnaghan",
        t_max=650,
    )
    return {
        "volumes": np.array(found.volume_temperature),
        "bulk_moduli": np.array(found.bulk_modulus_temperature),
        "thermal_expansion": np.array(found.thermal_expansion),
        "gibbs_energies": np.array(found.gibbs_temperature),
        "heat_capacities": np.array(found.heat_capacity_P_numerical) / per_mole,
    }


def by_grueneisen(temperature: float) -> float:
    """Coefficient of expansion of the volume in 1/K: Σ γ c / (K V), with γ = -d ln ν / d ln V of each mode."""
    volume = float(by_phonopy()["volumes"][round(temperature / STEP)])

    def free(at: float) -> float:
        return energy(at_volume(COPPER, at)) + helmholtz(on_mesh(at, SIZE), temperature)

    change = 0.01 * volume
    low, middle, high = (on_mesh(at, SIZE) for at in (volume - change, volume, volume + change))
    gammas = -np.log(high / low) / np.log((volume + change) / (volume - change))
    modulus = volume * (free(volume + change) - 2 * free(volume) + free(volume - change)) / change**2
    return float((gammas * heat_capacities(middle, temperature)).sum() / (modulus * volume))
