"""Charge and spin of a structure, as far as they are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from ase import Atoms

from adatom.errors import InputError

__all__ = ["electronic_spin", "total_charge", "unpaired_electrons"]

Settings = Mapping[str, Any]


def total_charge(atoms: Atoms, settings: Settings | None = None) -> float:
    """Return the charge in e that a structure is computed with.

    Parameters
    ----------
    atoms
        Structure. Its initial charges count where `settings` has no charge.
    settings
        Parameters of the calculator, with the charge as ``"charge"`` or as ``tot_charge`` of Quantum ESPRESSO.
    """
    settings = settings or {}
    charge = settings.get("charge", (settings.get("input_data") or {}).get("system", {}).get("tot_charge"))
    return float(atoms.get_initial_charges().sum() if charge is None else charge)


def unpaired_electrons(
    atoms: Atoms, properties: Mapping[str, Any] | None = None, settings: Settings | None = None
) -> tuple[int, str | None]:
    """Return the number of unpaired electrons that an energy was computed with, and how it is known.

    Parameters
    ----------
    atoms
        Structure.
    properties
        Computed properties. A total magnetic moment, ``"magmom"``, counts most.
    settings
        Parameters of the calculator. A ``"multiplicity"`` counts next, before the initial magnetic moments.

    Returns
    -------
    unpaired : int
        The number. Where nothing says more, it is the lowest for this number of electrons, 0 or 1.
    origin : str or None
        The origin of the number in words; None for a number that is only a guess.
    """
    settings = settings or {}
    electrons = int(atoms.numbers.sum()) - round(total_charge(atoms, settings))
    if (moment := (properties or {}).get("magmom")) is not None:
        size = _size(moment)
        return _unpaired(size, electrons), f"the energy was computed with a magnetic moment of {size:.3g}"
    if (multiplicity := settings.get("multiplicity")) is not None:
        return multiplicity - 1, f"the energy was computed with the multiplicity {multiplicity}"
    moments = atoms.get_initial_magnetic_moments()
    if moments.any():
        total = _size(moments.sum(axis=0))
        return _unpaired(total, electrons), f"the initial magnetic moments add up to {total:.3g}"
    guess = electrons % 2
    if "multiplicity" in settings:  # without one, the code pairs the electrons
        return guess, f"the energy was computed without a multiplicity, which means {guess + 1}"
    return guess, None


def electronic_spin(
    atoms: Atoms,
    spin: float | None = None,
    properties: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
) -> float:
    """Return the total electronic spin that an energy was computed with, and refuse another one.

    Parameters
    ----------
    atoms, properties, settings
        Same as in `unpaired_electrons`.
    spin
        Spin that the user gives: 0 if all electrons are paired, 1 for O2. None: any.

    Raises
    ------
    InputError
        `spin` differs from the spin that is known, or the number of electrons does not allow it.
    """
    unpaired, origin = unpaired_electrons(atoms, properties, settings)
    name = atoms.get_chemical_formula()
    if spin is not None:
        check_spin_value(spin)
        if origin and round(2 * spin) != unpaired:
            raise InputError(
                f"{name}: spin is {spin!r}, but {origin}, so that the spin is {unpaired / 2:g}. Leave spin out, or "
                "compute the state that has this spin."
            )
        unpaired = round(2 * spin)
    charge = round(total_charge(atoms, settings))
    electrons = int(atoms.numbers.sum()) - charge
    computed = origin and origin.startswith("the energy")
    if not computed and (unpaired > electrons or (electrons - unpaired) % 2):
        raise InputError(
            f"{name} with charge {charge} has {electrons} electrons and cannot have a spin of {unpaired / 2:g}"
            f"{f': {origin}' if origin else ''}. Change the spin, the initial magnetic moments or the initial charges."
        )
    return unpaired / 2


def check_spin_value(spin: float | None) -> None:
    """Refuse what is no spin of electrons.

    Parameters
    ----------
    spin
        Value that was given as the total electronic spin; None is accepted.

    Raises
    ------
    InputError
        The value is not 0, 1/2, 1 or another half of a whole number.
    """
    if spin is None:
        return
    is_number = isinstance(spin, Real) and not isinstance(spin, bool) and 0 <= float(spin) < math.inf
    if not is_number or not math.isclose(2 * spin, round(2 * spin)):
        raise InputError(f"spin is {spin!r}. Give 0, 0.5, 1, ...: half the number of unpaired electrons.")


def _size(moment: Any) -> float:
    """Return the size of a magnetic moment, which may be a vector."""
    return float(np.linalg.norm(np.atleast_1d(moment)))


def _unpaired(moment: float, electrons: int) -> int:
    """Return the nearest number that is odd or even as that of the electrons is, or else the nearest one."""
    odd = electrons % 2
    allowed = odd + 2 * round((moment - odd) / 2)
    return allowed if abs(allowed - moment) < 0.95 else round(moment)
