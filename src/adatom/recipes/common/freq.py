"""Job of all codes for vibrations and thermochemistry."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom.atoms.point_groups import SYMMETRY_TOLERANCE
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.thermo import check_conditions, choose_model, thermochemistry
from adatom.calculations.vibrations import run_vibrations
from adatom.recipes.common.code import Code
from adatom.recipes.common.docs import documented_by
from adatom.schemas.results import VibResult

__all__ = ["freq_job"]


@documented_by(run_vibrations, Code.calculator, thermochemistry)
def freq_job(
    code: Code,
    atoms: Atoms,
    *,
    delta: float = 0.01,
    nfree: int = 2,
    indices: Sequence[int] | None = None,
    molecule: bool | None = None,
    model: str | None = None,
    temperature: float = 298.15,
    pressure_bar: float = 1.0,
    symmetry_number: int | None = None,
    symmetry_tolerance: float = SYMMETRY_TOLERANCE,
    spin: float | None = None,
    ignore_imaginary: bool = False,
    calc_kwargs: Mapping[str, Any] | None = None,
    copy_files: CopyFiles = None,
) -> VibResult:
    """Compute the vibrations of a structure at a minimum, and its thermochemistry.

    {parameters}

    Returns
    -------
    VibResult
        ``results["frequencies"]`` in cm⁻¹, without translations and rotations; ``thermo`` in eV and eV/K, by default of
        an ideal gas for a free molecule, else harmonic. It is None, with a warning, if vibrations are imaginary.
    """
    calculator = code.calculator(atoms, calc_kwargs)
    model = choose_model(atoms, model, molecule, indices)
    check_conditions(model, temperature, pressure_bar, symmetry_number, symmetry_tolerance, spin)
    vib = run_vibrations(
        atoms,
        calculator,
        delta=delta,
        nfree=nfree,
        indices=indices,
        molecule=molecule,
        spin=spin,
        name="freq",
        copy_files=copy_files,
    )
    symmetry: dict[str, Any] = {"symmetry_number": symmetry_number, "symmetry_tolerance": symmetry_tolerance}
    vib["parameters"] |= {"model": model, **symmetry}
    if (results := vib["results"])["imaginary"] and not ignore_imaginary:
        warnings.warn(
            f"{results['imaginary']} vibrations of {atoms.get_chemical_formula()} are imaginary: no thermochemistry. "
            "Relax the structure first, or set ignore_imaginary=True.",
            stacklevel=2,
        )
        return {**vib, "thermo": None}
    vib["thermo"] = thermochemistry(
        vib["atoms"],
        results["vib_energies"],
        energy=results["energy"],
        model=model,
        temperature=temperature,
        pressure_bar=pressure_bar,
        **symmetry,
        spin=vib["parameters"]["spin"] if model == "ideal_gas" else None,
        ignore_imaginary=ignore_imaginary,
    )
    return vib
