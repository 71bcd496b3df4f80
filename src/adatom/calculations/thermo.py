"""Thermochemistry from vibrations, in the ideal-gas and harmonic approximations."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from ase import Atoms, units
from numpy.typing import ArrayLike

from adatom.atoms.electrons import check_spin_value, electronic_spin
from adatom.atoms.molecules import distance_from_line, make_whole
from adatom.atoms.point_groups import SYMMETRY_TOLERANCE, check_tolerance, molecular_symmetry
from adatom.calculations.checks import check_atoms, check_count, check_positive
from adatom.calculations.rigid_body import rigid_motions
from adatom.calculations.vibrations import can_turn, moving_atoms
from adatom.errors import InputError, UnknownNameError
from adatom.schemas.results import Thermo

__all__ = ["MODELS", "check_conditions", "choose_model", "thermochemistry"]

MODELS = ("harmonic", "ideal_gas")

# In bar. Gases of more are no ideal ones, and a pressure in Pa is found out.
HIGHEST_PRESSURE = 1e6

_Geometry = Literal["monatomic", "linear", "nonlinear"]
_GEOMETRIES: dict[int, _Geometry] = {3: "monatomic", 5: "linear", 6: "nonlinear"}


def thermochemistry(
    atoms: Atoms,
    vib_energies: ArrayLike,
    *,
    energy: float = 0.0,
    model: str = "ideal_gas",
    temperature: float = 298.15,
    pressure_bar: float = 1.0,
    symmetry_number: int | None = None,
    symmetry_tolerance: float = SYMMETRY_TOLERANCE,
    spin: float | None = None,
    ignore_imaginary: bool = False,
) -> Thermo:
    """Compute the thermodynamic functions of a molecule or an adsorbate from its vibrations.

    The models are ASE's ``IdealGasThermo`` and ``HarmonicThermo``.

    Parameters
    ----------
    atoms
        Structure at its minimum. A molecule may lie across the boundary of its cell.
    vib_energies
        Vibrational quanta of the structure in eV, shape (M,), without translations and rotations; imaginary ones are
        negative.
    energy
        Potential energy of the structure in eV.
    model
        ``"ideal_gas"``, or ``"harmonic"`` (no translation, no rotation) for adsorbates and crystals.
    temperature
        Temperature in K, 25 °C by default.
    pressure_bar
        Pressure of the gas in bar. The harmonic model has none.
    symmetry_number
        Rotational symmetry number of a molecule: 2 for N2, 12 for CH4. None: found from the point group, in which
        isotopes differ.
    symmetry_tolerance
        Largest distance in Å of an atom from where the symmetry of a molecule has it, at most 0.5. A warning says if
        three times this tolerance makes another symmetry number.
    spin
        Total electronic spin of a molecule: 0 if all electrons are paired, 0.5 for a radical, 1 for O2. None: that of
        the initial magnetic moments, else the lowest one.
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
    check_conditions(model, temperature, pressure_bar, symmetry_number, symmetry_tolerance, spin)
    quanta = np.asarray(vib_energies, dtype=float)
    if (quanta <= 0).any():
        if not ignore_imaginary:
            raise InputError(
                f"{(quanta <= 0).sum()} of {len(quanta)} vibrations are imaginary: the structure is not at a minimum. "
                "Relax it first, or set ignore_imaginary=True."
            )
    if model == "harmonic":
        return _harmonic(quanta[quanta > 0], energy, temperature)
    if spin is None:
        spin = electronic_spin(atoms)
    molecule = make_whole(atoms)
    geometry = _geometry(molecule, len(quanta))
    if symmetry_number is None:
        symmetry_number = _symmetry_number(molecule, symmetry_tolerance)
    return _ideal_gas(
        molecule, quanta[quanta > 0], geometry, energy, temperature, pressure_bar, symmetry_number, float(spin)
    )


def choose_model(
    atoms: Atoms, model: str | None = None, molecule: bool | None = None, indices: Sequence[int] | None = None
) -> str:
    """Return the model for the vibrations of a structure, before they are computed.

    Parameters
    ----------
    atoms
        Structure.
    model
        Model that the user gives. None: an ideal gas of a free molecule without constraints, else the harmonic model.
    molecule, indices
        Same as in `adatom.calculations.vibrations.run_vibrations`.

    Raises
    ------
    InputError
        An ideal gas is asked of a crystal, or of a part of the atoms.
    """
    is_free = can_turn(atoms, molecule) and len(moving_atoms(atoms, indices)) == len(atoms)
    if model is None:
        return "ideal_gas" if is_free and indices is None and not atoms.constraints else "harmonic"
    if model == "ideal_gas" and not is_free:
        raise InputError(
            "model is 'ideal_gas', but the structure is periodic or some of its atoms do not vibrate. Set "
            "molecule=True for a molecule in a periodic cell, leave indices and FixAtoms out, or set model='harmonic'."
        )
    return model


def check_conditions(
    model: str,
    temperature: float,
    pressure_bar: float,
    symmetry_number: int | None,
    symmetry_tolerance: float,
    spin: float | None,
) -> None:
    """Refuse conditions that `thermochemistry` would refuse, before vibrations are computed for it.

    Parameters
    ----------
    model, temperature, pressure_bar, symmetry_number, symmetry_tolerance, spin
        Same as in `thermochemistry`: `temperature` in K, `pressure_bar` in bar, `symmetry_tolerance` in Å.

    Raises
    ------
    InputError
        A condition is bad. The message names the first one.
    """
    if model not in MODELS:
        raise UnknownNameError("thermochemistry model", model, MODELS)
    check_positive(temperature=temperature, pressure_bar=pressure_bar)
    if pressure_bar > HIGHEST_PRESSURE:
        raise InputError(f"pressure_bar is {pressure_bar!r}. Give the pressure of a gas in bar, at most 1e6.")
    if symmetry_number is not None:
        check_count(symmetry_number=symmetry_number)
    check_tolerance(symmetry_tolerance)
    check_spin_value(spin)
    if model == "harmonic":
        for name, value in {"symmetry_number": symmetry_number, "spin": spin}.items():
            if value is not None:
                raise InputError(
                    f"{name} is {value!r}, but the harmonic model has no rotation and no spin. Leave it out, or set "
                    "model='ideal_gas'."
                )


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


def _geometry(molecule: Atoms, modes: int) -> _Geometry:
    rigid = rigid_motions(molecule).shape[1]
    geometry = _GEOMETRIES[rigid]
    if modes != 3 * len(molecule) - rigid:
        raise InputError(
            f"A {geometry} molecule of {len(molecule)} atoms has {3 * len(molecule) - rigid} vibrations; {modes} are "
            f"given. Its atoms are up to {distance_from_line(molecule):.3f} Å from a line. Leave translations and "
            "rotations out, or set model='harmonic'."
        )
    return geometry


def _symmetry_number(molecule: Atoms, tolerance: float) -> int:
    found = molecular_symmetry(molecule, tolerance)
    wide = min(3 * tolerance, 0.5)
    other = molecular_symmetry(molecule, wide)
    if other.symmetry_number != found.symmetry_number:
        warnings.warn(
            f"The symmetry number of {molecule.get_chemical_formula()} is {found.symmetry_number} ("
            f"{found.point_group}), but {other.symmetry_number} ({other.point_group}) with symmetry_tolerance={wide:g}"
            ". Relax it further, or give symmetry_number or symmetry_tolerance.",
            stacklevel=3,
        )
    return found.symmetry_number


def _ideal_gas(
    molecule: Atoms,
    quanta: Any,
    geometry: _Geometry,
    energy: float,
    temperature: float,
    pressure_bar: float,
    symmetry_number: int,
    spin: float,
) -> Thermo:
    from ase.thermochemistry import IdealGasThermo

    thermo = IdealGasThermo(
        quanta, geometry, energy, atoms=molecule, symmetrynumber=symmetry_number, spin=spin, vib_selection="all"
    )
    internal = float(thermo.get_internal_energy(temperature, verbose=False))
    # ASE wants Pa here, though its default is in eV/Å³
    entropy = float(thermo.get_entropy(temperature, pressure_bar * units.bar / units.Pascal, verbose=False))
    enthalpy = internal + units.kB * temperature
    return {
        "model": "ideal_gas",
        "temperature": temperature,
        "energy": energy,
        "zpe": float(quanta.sum() / 2),
        "internal_energy": internal,
        "entropy": entropy,
        "helmholtz_energy": internal - temperature * entropy,
        "pressure_bar": pressure_bar,
        "enthalpy": enthalpy,
        "gibbs_energy": enthalpy - temperature * entropy,
        "geometry": geometry,
        "symmetry_number": symmetry_number,
        "spin": spin,
    }
