"""Vibrations and thermochemistry of molecules: by ASE, by formulas and as measured."""

import tempfile
from functools import cache
from math import log, pi
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import add_adsorbate, fcc100, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.thermochemistry import HarmonicThermo, IdealGasThermo
from ase.vibrations import Vibrations

from . import lennard_jones
from .by_ase import energy, relaxed
from .derivatives import second
from .paths import wave_number

# Standard entropies in J/mol/K at 298.15 K and 1 bar. CODATA: key values for thermodynamics, 1989. JANAF: the tables of
# NIST. WebBook: NIST's Chemistry WebBook. A wrong factor of 2 in a symmetry number would be 5.8.
MEASURED = {
    "Ar": (154.85, "CODATA"),
    "N2": (191.61, "CODATA"),
    "CO2": (213.79, "CODATA"),
    "H2O": (188.84, "CODATA"),
    "CH4": (186.25, "JANAF"),
    "C6H6": (269.2, "WebBook"),
    "CH3": (194.2, "JANAF"),
    "HD": (143.8, "JANAF"),
}


def tblite() -> Any:
    """ASE's calculator of tblite."""
    from tblite.ase import TBLite

    return TBLite(method="GFN2-xTB", verbosity=0)


def vibrations(atoms: Atoms, calculator: Any, indices: list[int] | None = None) -> np.ndarray:
    """Quanta of all modes in eV by `ase.vibrations`, imaginary ones as 0."""
    atoms = atoms.copy()
    atoms.calc = calculator
    with tempfile.TemporaryDirectory() as directory:
        found = Vibrations(atoms, indices=indices, name=f"{directory}/vibrations")
        found.run()
        return np.sort(found.get_energies().real)


@cache
def water() -> tuple[Atoms, np.ndarray]:
    """Relaxed water with its three quanta in eV."""
    atoms = relaxed(molecule("H2O"), tblite())
    return atoms, vibrations(atoms, tblite())[-3:]


def gibbs_energy(temperature: float, pressure_bar: float) -> float:
    """Gibbs energy of water in eV by `ase.thermochemistry.IdealGasThermo`."""
    atoms, quanta = water()
    gas = IdealGasThermo(
        vib_energies=quanta,
        geometry="nonlinear",
        potentialenergy=atoms.get_potential_energy(),
        atoms=atoms,
        symmetrynumber=2,
        spin=0,
    )
    return float(gas.get_gibbs_energy(temperature, pressure_bar * 1e5, verbose=False))


def oxygen_on_copper() -> Atoms:
    """An O atom above a hollow of a Cu(100) surface that is held."""
    slab = fcc100("Cu", (2, 2, 2), vacuum=6, periodic=True)
    slab.set_constraint(FixAtoms(indices=range(len(slab))))
    add_adsorbate(slab, "O", 0.8, "hollow")
    return slab


def helmholtz_energy(temperature: float) -> float:
    """Helmholtz energy in eV of this atom by `ase.thermochemistry.HarmonicThermo`."""
    atoms = relaxed(oxygen_on_copper(), fmax=1e-5)
    quanta = vibrations(atoms, EMT(), [len(atoms) - 1])
    thermo = HarmonicThermo(quanta, potentialenergy=energy(atoms))
    return float(thermo.get_helmholtz_energy(temperature, verbose=False))


def sackur_tetrode(mass: float, temperature: float, pressure: float) -> float:
    """Entropy of a monatomic gas in J/mol/K, of a mass in amu at a pressure in Pa."""
    kt = units._k * temperature
    volume = (2 * pi * mass * units._amu * kt / units._hplanck**2) ** 1.5 * kt / pressure
    return units._k * units._Nav * (log(volume) + 2.5)


def pair_frequency(mass: float) -> float:
    """Wave number in cm⁻¹ of two Ar atoms at the minimum of the Lennard-Jones potential."""
    spring = 72 / 2 ** (1 / 3) * lennard_jones.EPSILON / lennard_jones.SIGMA**2
    return wave_number(spring, mass / 2)


def stretching(name: str) -> float:
    """Wave number in cm⁻¹ of two equal atoms from second differences of EMT's energy by their distance."""
    atoms = relaxed(molecule(name), fmax=1e-5)
    length = atoms.get_distance(0, 1)

    def stretched(change: float) -> float:
        copy = atoms.copy()
        copy.set_distance(0, 1, length + change)
        return energy(copy)

    return wave_number(second(stretched, 0.005), atoms.get_masses()[0] / 2)
