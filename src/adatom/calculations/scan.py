"""Properties of many structures, one after the other with one calculator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes, compare_atoms

from adatom.calculations.calculation import Calculation, calculation, closed_after, independent_copy
from adatom.calculations.checks import check_atoms, check_calculator
from adatom.errors import ConvergenceError, InputError
from adatom.schemas.results import ScanResult

__all__ = ["compute_each", "run_scan"]


def run_scan(
    structures: Sequence[Atoms],
    calculators: Sequence[Any],
    *,
    properties: Sequence[str] = ("energy", "forces"),
    name: str = "scan",
) -> ScanResult:
    """Compute the properties of structures in one run, in which a structure that fails leaves a gap.

    Parameters
    ----------
    structures
        Structures to compute, one or more, of any sizes; they are not changed.
    calculators
        ASE calculator of each structure. Structures may share one, which nothing else uses.
    properties
        Properties to compute, by ASE's names: ``"energy"`` and any of ``"forces"`` and ``"stress"``.
    name
        Name of the run and stem of its files.

    Returns
    -------
    ScanResult
        ``points`` has the energies in eV of all structures, shape (P,), and the forces in eV/Å of each; ``atoms`` is
        the structure with the lowest energy.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    ConvergenceError
        All structures failed.
    """
    wanted = list(dict.fromkeys(["energy", *properties]))
    if isinstance(properties, str) or not set(wanted) <= {"energy", "forces", "stress"}:
        raise InputError(f"properties is {properties!r}. Give a list of 'energy', 'forces' and 'stress'.")
    if not structures:
        raise InputError("There are no structures to scan. Give a list of one or more.")
    for atoms, calculator in zip(structures, calculators, strict=True):
        check_atoms(atoms)
        check_calculator(calculator, *wanted)
    with (
        calculation(name, structures[0], calculators[0], needs=tuple(wanted)) as run,
        closed_after(*{id(one): one for one in calculators}.values()),
    ):
        found: list[dict[str, Any]] = []
        missing: dict[str, str] = {}
        for properties_of_one, why in compute_each(run, zip(structures, calculators, strict=True), wanted):
            if why:
                missing[str(len(found))] = why
            found.append(properties_of_one)
        if len(missing) == len(found):
            raise ConvergenceError(f"All {len(found)} structures of the {name} failed, the first by {missing['0']}")
        energies = np.array([one.get("energy", np.nan) for one in found])
        lowest = int(np.nanargmin(energies))
        run.atoms = independent_copy(structures[lowest])
        with run.trajectory() as trajectory:
            trajectory.write(run.atoms, **found[lowest])
        points: dict[str, Any] = {"energies": energies}
        for key in wanted[1:]:
            shapes = [(len(atoms), 3) if key == "forces" else (6,) for atoms in structures]
            values = [one.get(key, np.full(shape, np.nan)) for one, shape in zip(found, shapes, strict=True)]
            points["forces" if key == "forces" else "stresses"] = values
        result = run.result(converged=not missing, properties=wanted)
        return cast(ScanResult, {**result, "results": found[lowest], "points": points, "missing": missing})


def compute_each(
    run: Calculation, structures: Iterable[tuple[Atoms, Any]], wanted: Sequence[str]
) -> Iterator[tuple[dict[str, Any], str]]:
    """Compute structures one after the other in one run, each of which may fail.

    Parameters
    ----------
    run
        Calculation that is in progress; its structure is the one that was computed last.
    structures
        Pairs of a structure, which is not changed, and its calculator.
    wanted
        Properties to compute, by ASE's names.

    Yields
    ------
    tuple
        Properties of a structure, and an empty string; of one that failed no properties, and why it failed.
    """
    for atoms, calculator in structures:
        calculator.directory = run.directory.path
        run.atoms, run.calculator = independent_copy(atoms), calculator
        found, why = {}, ""
        try:
            calculator.calculate(run.atoms, wanted, _changes(calculator, run.atoms))
            found = run.found()
        except (InputError, OSError, MemoryError):
            raise
        except Exception as error:  # a potential may raise anything at a structure that it has not seen the like of
            why = f"{type(error).__name__}: {error}"
            getattr(calculator, "reset", lambda: None)()
        yield found, why


def _changes(calculator: Any, atoms: Atoms) -> list[str]:
    """Return what differs from the structure before, so that the calculator keeps, for example, its neighbour list."""
    before = getattr(calculator, "atoms", None)
    return all_changes if before is None else compare_atoms(before, atoms)
