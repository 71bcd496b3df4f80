"""Thermochemistry from vibrations, in the ideal-gas and harmonic approximations."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from ase import Atoms, units
from numpy.typing import ArrayLike

from adatom.calculations.checks import check_atoms, check_count, check_positive
from adatom.calculations.rigid_body import rigid_motions
from adatom.errors import InputError, UnknownNameError
from adatom.schemas.results import Thermo

__all__ = ["MODELS", "check_conditions", "thermochemistry"]

MODELS = ("harmonic", "ideal_gas")

_GEOMETRIES: dict[int, Literal["monatomic", "linear", "nonlinear"]] = {3: "monatomic", 5: "linear", 6: "nonlinear"}


def thermochemistry(
    atoms: Atoms,
    vib_energies: ArrayLike,
    *,
    energy: float = 0.0,
    model: str = "ideal_gas",
    temperature: float = 298.15,
    pressure: float = 1.0 * units.bar,
    symmetry_number: int | None = None,
    spin: float = 0.0,
    ignore_imaginary: bool = False,
) -> Thermo:
    """Compute the thermodynamic functions of a molecule or an adsorbate from its vibrations.

    The models are ASE's ``IdealGasThermo`` and ``HarmonicThermo``.

    Parameters
    ----------
    atoms
        Structure at its minimum.
    vib_energies
        Vibrational quanta of the structure in eV, shape (M,), without translations and rotations; imaginary ones are
        negative.
    energy
        Potential energy of the structure in eV.
    model
        ``"ideal_gas"``, or ``"harmonic"`` (no translation, no rotation) for adsorbates and crystals.
    temperature
        Temperature in K, 25 °C by default.
    pressure
        Pressure of the gas in eV/Å³, 1 bar by default; ``1.0 * ase.units.bar`` is one bar. The harmonic model ignores
        it.
    symmetry_number
        Rotational symmetry number of a molecule: 2 for N2, 12 for CH4. None: found from the point group.
    spin
        Total electronic spin: 0 if all electrons are paired, 1 for O2.
    ignore_imaginary
        Whether to leave imaginary modes out, as is done for transition states, instead of refusing them.

    Returns
    -------
    Thermo
        Energies in eV, entropy in eV/K.

    Raises
    ------
    InputError
        Bad input, imaginary modes, or a number of modes that the molecule cannot have.
    """
    check_atoms(atoms)
    check_conditions(model, temperature, pressure, symmetry_number, spin)
    quanta = np.asarray(vib_energies, dtype=float)
    if (quanta <= 0).any():
        if not ignore_imaginary:
            raise InputError(
                f"{(quanta <= 0).sum()} of {len(quanta)} vibrations are imaginary: the structure is not at a minimum. "
                "Relax it first, or set ignore_imaginary=True."
            )
    if model == "harmonic":
        return _harmonic(quanta[quanta > 0], energy, temperature)
    return _ideal_gas(atoms, quanta, energy, temperature, pressure, symmetry_number, spin)


def check_conditions(model: str, temperature: float, pressure: float, symmetry_number: int | None, spin: float) -> None:
    """Refuse conditions that `thermochemistry` would refuse, before vibrations are computed for it.

    Parameters
    ----------
    model, temperature, pressure, symmetry_number, spin
        Same as in `thermochemistry`: `temperature` in K, `pressure` in eV/Å³.

    Raises
    ------
    InputError
        A condition is bad. The message names the first one.
    """
    if model not in MODELS:
        raise UnknownNameError("thermochemistry model", model, MODELS)
    check_positive(temperature=temperature, pressure=pressure)
    if symmetry_number is not None:
        check_count(symmetry_number=symmetry_number)
    if spin < 0 or not math.isclose(2 * spin, round(2 * spin)):
        raise InputError(f"spin is {spin!r}. Give 0, 0.5, 1, ...: half the number of unpaired electrons.")


def _harmonic(quanta: Any, energy: float, temperature: float) -> Thermo:
    from ase.thermochemistry import HarmonicThermo

    internal, entropy = energy, 0.0
    if len(quanta):  # ASE takes no empty list
        thermo = HarmonicThermo(quanta, potentialenergy=energy)
        internal = float(thermo.get_internal_energy(temperature, verbose=False))
        entropy = float(thermo.get_entropy(temperature, verbose=False))
    return {
        "model": "harmonic",
        "temperature": temperature,
        "energy": energy,
        "zpe": float(quanta.sum() / 2),
        "internal_energy": internal,
        "entropy": entropy,
        "helmholtz_energy": internal - temperature * entropy,
    }


def _ideal_gas(
    atoms: Atoms,
    quanta: Any,
    energy: float,
    temperature: float,
    pressure: float,
    symmetry_number: int | None,
    spin: float,
) -> Thermo:
    from ase.thermochemistry import IdealGasThermo

    molecule = Atoms(atoms.numbers, positions=atoms.positions, masses=atoms.get_masses())
    rigid = rigid_motions(molecule).shape[1]
    geometry = _GEOMETRIES[rigid]
    if len(quanta) != 3 * len(molecule) - rigid:
        raise InputError(
            f"A {geometry} molecule of {len(molecule)} atoms has {3 * len(molecule) - rigid} vibrations; "
            f"{len(quanta)} are given. Leave translations and rotations out, or set model='harmonic'."
        )
    if symmetry_number is None:
        symmetry_number = _symmetry_number(molecule, geometry)
    quanta = quanta[quanta > 0]
    thermo = IdealGasThermo(
        quanta, geometry, energy, atoms=molecule, symmetrynumber=symmetry_number, spin=spin, vib_selection="all"
    )
    internal = float(thermo.get_internal_energy(temperature, verbose=False))
    # ASE wants Pa here, though its default is in eV/Å³
    entropy = float(thermo.get_entropy(temperature, pressure / units.Pascal, verbose=False))
    enthalpy = internal + units.kB * temperature
    return {
        "model": "ideal_gas",
        "temperature": temperature,
        "energy": energy,
        "zpe": float(quanta.sum() / 2),
        "internal_energy": internal,
        "entropy": entropy,
        "helmholtz_energy": internal - temperature * entropy,
        "pressure": pressure,
        "enthalpy": enthalpy,
        "gibbs_energy": enthalpy - temperature * entropy,
        "geometry": geometry,
        "symmetry_number": symmetry_number,
        "spin": spin,
    }


def _symmetry_number(molecule: Atoms, geometry: str) -> int:
    if geometry == "monatomic":
        return 1
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import PointGroupAnalyzer

    plain = Atoms(molecule.numbers, positions=molecule.positions)
    found = PointGroupAnalyzer(AseAtomsAdaptor.get_molecule(plain)).get_rotational_symmetry_number()
    return int(found)
