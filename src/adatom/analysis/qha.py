"""Quasi-harmonic approximation: properties of a crystal at a temperature from its phonons at several volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

import numpy as np
from ase import units
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike, NDArray

from adatom.analysis.eos import check_eos, fit_eos
from adatom.analysis.phonons import ThermalProperties
from adatom.errors import AnalysisError, InputError

__all__ = ["QuasiHarmonic", "fit_qha"]

Array = NDArray[np.float64]


class QuasiHarmonic(TypedDict):
    """Primitive cell of a crystal in the quasi-harmonic approximation, at T temperatures and one pressure.

    Attributes
    ----------
    name
        Kind of document: ``"qha"``.
    equation
        Name of the equation of state that describes the free energy at each temperature.
    pressure
        Pressure on the crystal in eV/Å³.
    temperatures
        Temperatures in K, shape (T,).
    volumes
        Volumes at equilibrium, in Å³, shape (T,).
    gibbs_energies
        Gibbs energies in eV, with the potential energy, shape (T,).
    bulk_moduli
        Isothermal bulk moduli in GPa, shape (T,).
    thermal_expansion
        Coefficient of expansion of the volume, in 1/K, shape (T,).
    entropies
        Entropies at equilibrium in eV/K, shape (T,).
    heat_capacities
        Heat capacities at constant pressure, in eV/K, shape (T,).
    point_volumes
        Volumes of the points, in Å³, shape (V,).
    point_energies
        Potential energies of the points in eV, shape (V,).
    failed
        By strain of the volume, the reason why its point is missing; and why temperatures are missing.
    """

    name: str
    equation: str
    pressure: Annotated[float, "eV/Å³"]
    temperatures: Annotated[Array, "K"]
    volumes: Annotated[Array, "Å³"]
    gibbs_energies: Annotated[Array, "eV"]
    bulk_moduli: Annotated[Array, "GPa"]
    thermal_expansion: Annotated[Array, "1/K"]
    entropies: Array
    heat_capacities: Array
    point_volumes: Array
    point_energies: Array
    failed: dict[str, str]


def fit_qha(
    volumes: ArrayLike,
    energies: ArrayLike,
    thermal_properties: Sequence[ThermalProperties],
    *,
    equation: str = "birch_murnaghan",
    pressure: float = 0.0,
) -> QuasiHarmonic:
    """Compute volume, Gibbs energy and their derivatives by temperature in the quasi-harmonic approximation.

    At each temperature, an equation of state is fitted to the Helmholtz energy F = E + F_phonons. Entropy and heat
    capacity at constant volume are cubic polynomials of the volume. The expansion coefficient is (∂S/∂V) / K, and the
    heat capacity at constant pressure C_V + T V α² K.

    Parameters
    ----------
    volumes
        Volumes of a cell in Å³, shape (V,).
    energies
        Potential energies of the cell in eV, shape (V,).
    thermal_properties
        Thermodynamic functions of the phonons of the cell at each volume, all at the same temperatures.
    equation
        Name of the equation of state, one of `adatom.analysis.eos.EQUATIONS`.
    pressure
        Pressure in eV/Å³; ``ase.units.GPa`` is one GPa.

    Returns
    -------
    QuasiHarmonic
        Properties at the temperatures up to the first where the equilibrium is not between the volumes; ``failed`` says
        so.

    Raises
    ------
    InputError
        There are fewer than five different volumes, or the temperatures differ.
    AnalysisError
        There is no temperature at which the equilibrium is between the volumes.
    """
    volumes, energies = np.asarray(volumes, dtype=float), np.asarray(energies, dtype=float)
    check_eos(equation, volumes.tolist())
    temperatures = thermal_properties[0]["temperatures"]
    if any(not np.array_equal(point["temperatures"], temperatures) for point in thermal_properties):
        raise InputError("Thermal properties at the volumes are of other temperatures. Compute them at the same.")
    free_energy, entropy, heat_capacity = (
        np.array([point[key] for point in thermal_properties]).T for key in ("free_energy", "entropy", "heat_capacity")
    )
    rows: list[tuple[float, ...]] = []
    failed = {}
    for index, temperature in enumerate(temperatures):
        try:
            fit = fit_eos(volumes, energies + free_energy[index] + pressure * volumes, equation)
        except AnalysisError as error:
            if not rows:
                raise
            failed[f"{temperature:g} K and above"] = str(error)
            break
        v, modulus = fit["v0"], fit["bulk_modulus"]
        s, c = (Polynomial.fit(volumes, values[index], 3) for values in (entropy, heat_capacity))
        expansion = s.deriv()(v) / (modulus * units.GPa)
        rows.append(
            (v, fit["e0"], modulus, expansion, s(v), c(v) + temperature * v * expansion**2 * modulus * units.GPa)
        )
    equilibrium, gibbs, moduli, expansions, entropies, capacities = np.array(rows).T.copy()
    return {
        "name": "qha",
        "equation": equation,
        "pressure": pressure,
        "temperatures": temperatures[: len(rows)],
        "volumes": equilibrium,
        "gibbs_energies": gibbs,
        "bulk_moduli": moduli,
        "thermal_expansion": expansions,
        "entropies": entropies,
        "heat_capacities": capacities,
        "point_volumes": volumes,
        "point_energies": energies,
        "failed": failed,
    }
