"""Properties of a structure as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ase import Atoms
from ase.calculators.calculator import all_changes

from adatom.calculations.calculation import calculation
from adatom.calculations.copy_files import CopyFiles
from adatom.errors import InputError
from adatom.schemas.results import StaticResult

__all__ = ["run_static"]


def run_static(
    atoms: Atoms,
    calculator: Any,
    *,
    properties: Sequence[str] = ("energy", "forces"),
    name: str = "static",
    copy_files: CopyFiles = None,
) -> StaticResult:
    """Compute the properties of a structure as it is.

    Parameters
    ----------
    atoms
        Structure to compute; it is not changed.
    calculator
        ASE calculator that nothing else uses.
    properties
        Properties to compute, by ASE's names. Further properties that the calculator finds are kept too.
    name
        Name of the run and stem of its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.

    Returns
    -------
    StaticResult
        ``results["energy"]`` in eV, ``results["forces"]`` in eV/Å, shape (N, 3).

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    ConvergenceError
        The energy or a force is not a number.
    """
    if isinstance(properties, str) or not properties:
        raise InputError(f"properties is {properties!r}. Give a list such as ['energy', 'forces'].")
    with calculation(name, atoms, calculator, copy_files, needs=tuple(properties)) as run:
        # One call for all properties: otherwise a file-based code would run once for each.
        calculator.calculate(run.atoms, list(properties), all_changes)
        if getattr(calculator, "atoms", run.atoms) is None:  # ASE's newer file-based ones do not note it themselves
            calculator.atoms = run.atoms.copy()
        results = run.properties()
        with run.trajectory() as trajectory:
            trajectory.write(run.atoms)
        return cast(StaticResult, {**run.result(converged=True, properties=properties), "results": results})
