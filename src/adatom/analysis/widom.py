"""Adsorption of a dilute gas, from the energies of a molecule that was inserted at random."""

from __future__ import annotations

import numpy as np
from ase import units
from numpy.typing import ArrayLike

from adatom.errors import InputError
from adatom.schemas.results import Adsorption

__all__ = ["adsorption"]

#: A mass unit per Å³ in kg/m³, and an eV per molecule in J/mol.
_DENSITY, _MOLAR = units._amu * 1e30, units._e * units._Nav


def adsorption(energies: ArrayLike, temperature: float, mass: float, volume: float) -> Adsorption:
    """Return the adsorption of a gas at low pressure, by Widom's method.

    Parameters
    ----------
    energies
        Interaction energies of a molecule that was inserted in a rigid host, with a uniform distribution over places
        and orientations, in eV, shape (P,). An infinite one is that of a place without room; NaN, of a calculation that
        failed, does not count.
    temperature
        Temperature in K.
    mass
        Mass of the host in atomic mass units.
    volume
        Volume of the host in Å³, in which the places are.

    Raises
    ------
    InputError
        No energy is a finite number, or one is minus infinity.

    Notes
    -----
    With w = exp(-E/kT), the Henry coefficient is ⟨w⟩/(ρRT), with the density ρ of the host; the interaction energy of
    an adsorbed molecule is ⟨Ew⟩/⟨w⟩, and the heat of adsorption kT - ⟨Ew⟩/⟨w⟩ (B. Widom, J. Chem. Phys. 39, 2808
    (1963); T. J. H. Vlugt et al., J. Chem. Theory Comput. 4, 1107 (2008)). A gas that feels nothing has the
    coefficient of the ideal gas, 1/(ρRT). Insertions are independent: the error of ⟨w⟩ is the standard deviation of w
    over the root of P, and that of the ratio follows to first order.
    """
    known = np.asarray(energies, dtype=float).ravel()
    known = known[~np.isnan(known)]
    lowest = known.min(initial=np.inf)
    if not np.isfinite(lowest):
        raise InputError(f"The lowest of {np.size(energies)} energies is {lowest}. Insert more molecules.")
    kt = units.kB * temperature
    weights = np.exp(-(known - lowest) / kt)  # relative to the largest, which may be too large for a number
    there = weights > 0
    weight, energy, number = weights[there], known[there], len(known)
    mean = float(np.average(energy, weights=weight))
    unbiased = number / (number - 1) if number > 1 else np.nan
    mean_error = float(np.sqrt(unbiased * ((weight * (energy - mean)) ** 2).sum()) / weight.sum())
    with np.errstate(over="ignore"):
        henry = np.exp(-lowest / kt) * volume / (mass * _DENSITY * kt * _MOLAR)
    return {
        "henry_coefficient": float(henry * weights.mean()),
        "henry_coefficient_error": float(henry * np.sqrt(unbiased * weights.var() / number)),
        "averaged_interaction_energy": mean,
        "averaged_interaction_energy_error": mean_error,
        "heat_of_adsorption": (kt - mean) * _MOLAR / 1000,
        "heat_of_adsorption_error": mean_error * _MOLAR / 1000,
        "effective_insertions": float(weights.sum() ** 2 / (weights**2).sum()),
    }
