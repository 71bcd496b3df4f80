"""Result of insertions of a molecule in a rigid host."""

from __future__ import annotations

from typing import TypedDict

from adatom.schemas.results import Array, Properties, Result

__all__ = ["Adsorption", "WidomPoints", "WidomProperties", "WidomResult"]


class Adsorption(TypedDict):
    """Adsorption of a dilute gas, averages over random insertions of a molecule; an error is one standard deviation.

    Attributes
    ----------
    henry_coefficient, henry_coefficient_error
        Amount of the gas that the host takes up at low pressure, in mol/kg/Pa, and its error.
    averaged_interaction_energy, averaged_interaction_energy_error
        Mean interaction energy of an adsorbed molecule with the host in eV, and its error.
    heat_of_adsorption, heat_of_adsorption_error
        Isosteric heat of adsorption in kJ/mol, above 0 where the host attracts the gas, and its error.
    effective_insertions
        Number of insertions of equal weight that would know the averages as well. Near 1, one insertion outweighs all
        others: the errors mean nothing, and there are too few insertions or the potential has a hole.
    """

    henry_coefficient: float
    henry_coefficient_error: float
    averaged_interaction_energy: float
    averaged_interaction_energy_error: float
    heat_of_adsorption: float
    heat_of_adsorption_error: float
    effective_insertions: float


class WidomProperties(Properties, Adsorption):
    """Properties of the host with the molecule at the place of the lowest energy, and averages over all places."""


class WidomPoints(TypedDict):
    """Energies of the insertions of a molecule, P of them.

    Attributes
    ----------
    energies
        Interaction energies in eV, shape (P,): infinite where the molecule is too near to an atom of the host, NaN
        where the calculation failed.
    """

    energies: Array


class WidomResult(Result):
    """Result of insertions of a molecule. `atoms` is the host with the molecule at the place of the lowest energy.

    Attributes
    ----------
    results
        Properties of `atoms`, and averages over the insertions.
    points
        Energies of all insertions, in their order.
    missing
        Why an insertion failed, by its number in the order, from ``"0"`` on. The averages leave it out.
    """

    results: WidomProperties
    points: WidomPoints
    missing: dict[str, str]
