"""Thermochemistry at other temperatures and pressures, from known vibrations."""

from __future__ import annotations

from adatom import job
from adatom.atoms.electrons import electronic_spin
from adatom.calculations.thermo import thermochemistry
from adatom.recipes.common.docs import documented_by
from adatom.schemas.results import Thermo, VibResult

__all__ = ["thermo_job"]


@job
@documented_by(thermochemistry)
def thermo_job(
    freq: VibResult,
    *,
    temperature: float = 298.15,
    pressure_bar: float = 1.0,
    model: str | None = None,
    symmetry_number: int | None = None,
    symmetry_tolerance: float | None = None,
    spin: float | None = None,
    ignore_imaginary: bool = False,
) -> Thermo:
    """Return the thermodynamic functions from a result of `freq_job`, without a new calculation.

    An argument that is None has the value of that result. A spin must be that of the computed energy.

    Parameters
    ----------
    {parameters}
    freq
        Result of `freq_job`, which has the vibrations.

    Returns
    -------
    Thermo
        Energies in eV, entropy in eV/K.
    """
    asked, results = freq["parameters"], freq["results"]
    model = asked["model"] if model is None else model
    if model == "ideal_gas":
        symmetry_number = asked["symmetry_number"] if symmetry_number is None else symmetry_number
        spin = asked["spin"] if spin is None else electronic_spin(freq["atoms"], spin, results, asked["calculator"])
    return thermochemistry(
        freq["atoms"],
        results["vib_energies"],
        energy=results["energy"],
        model=model,
        temperature=temperature,
        pressure_bar=pressure_bar,
        symmetry_number=symmetry_number,
        symmetry_tolerance=asked["symmetry_tolerance"] if symmetry_tolerance is None else symmetry_tolerance,
        spin=spin,
        ignore_imaginary=ignore_imaginary,
    )
