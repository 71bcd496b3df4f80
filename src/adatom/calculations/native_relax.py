"""Relaxation with a code's own optimizer."""

from __future__ import annotations

from typing import Any, cast

from ase import Atoms

from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_count, check_positive
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.pressure import check_pressure
from adatom.errors import ConvergenceError, InputError
from adatom.schemas.results import RelaxResult

__all__ = ["run_native_relax"]


def run_native_relax(
    atoms: Atoms,
    calculator: Any,
    *,
    relax_cell: bool = False,
    pressure: float = 0.0,
    fmax: float = 0.01,
    max_steps: int = 1000,
    saddle: bool = False,
    allow_unconverged: bool = False,
    name: str = "relax",
    copy_files: CopyFiles = None,
) -> RelaxResult:
    """Relax a structure with the code's own optimizer, in one run of the code.

    Parameters
    ----------
    atoms
        Structure to relax; it is not changed.
    calculator
        ASE calculator that nothing else uses, with a method
        ``relax(atoms, *, relax_cell, pressure, fmax, max_steps, properties)``. The method returns the structures of all
        steps with their properties, and whether `fmax` was reached. For `saddle` it takes ``saddle=True``, too.
    relax_cell
        Whether the cell changes too.
    pressure
        Pressure in GPa that the cell is relaxed under, with `relax_cell`. The energy of the result is without the work
        against it.
    fmax
        Largest force that may remain on an atom, in eV/Å.
    max_steps
        Largest number of steps of the code's optimizer.
    saddle
        Whether the structure becomes a saddle point of first order instead of a minimum.
    allow_unconverged
        Whether a relaxation that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED``
        in its directory, instead of an error.
    name
        Name of the run and stem of its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.

    Returns
    -------
    RelaxResult
        ``atoms`` is the relaxed structure, ``results["energy"]`` its energy in eV.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    ConvergenceError
        Forces above `fmax` remain after `max_steps`, or an energy or a force is not a number.
    """
    if not hasattr(calculator, "relax"):
        raise InputError(
            f"{type(calculator).__name__} does not relax by itself; with dispersion, or over a socket, no code does. "
            "Take the job that relaxes with an optimizer of ASE: ase_relax_job."
        )
    check_positive(fmax=fmax)
    check_count(max_steps=max_steps)
    check_pressure(pressure, relax_cell, tensor=False)
    needs = ("energy", "forces", "stress") if relax_cell else ("energy", "forces")
    with calculation(name, atoms, calculator, copy_files, needs) as run:
        images, converged = calculator.relax(
            run.atoms,
            relax_cell=relax_cell,
            pressure=pressure,
            fmax=fmax,
            max_steps=max_steps,
            properties=needs,
            **({"saddle": True} if saddle else {}),
        )
        with run.trajectory() as trajectory:
            for image in images:
                trajectory.write(image)
        run.atoms.set_cell(images[-1].cell)
        run.atoms.set_positions(images[-1].positions, apply_constraint=False)
        calculator.atoms = run.atoms.copy()  # the results are those of the last structure
        results = run.properties()
        steps = len(images) - 1
        if not converged and not allow_unconverged:
            raise ConvergenceError(
                f"{name} of {atoms.get_chemical_formula()} has forces above fmax={fmax} eV/Å after {steps} steps of "
                "the code's own optimizer. Raise max_steps, or set allow_unconverged=True."
            )
        document = run.result(
            converged=converged,
            relax_cell=relax_cell,
            pressure=pressure,
            fmax=fmax,
            max_steps=max_steps,
            optimizer="native",
        )
        return cast(RelaxResult, {**document, "results": results, "steps": steps})
