"""Intrinsic reaction coordinates by a code's own path following."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from ase import Atoms

from adatom.analysis.path import path_points
from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_count, check_positive
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.irc import check_descent, check_saddle
from adatom.errors import ConvergenceError, InputError
from adatom.schemas.results import PathResult

__all__ = ["run_native_irc"]


def run_native_irc(
    atoms: Atoms,
    calculator: Any,
    *,
    fmax: float = 0.05,
    max_steps: int = 200,
    allow_unconverged: bool = False,
    name: str = "irc",
    copy_files: CopyFiles = None,
) -> PathResult:
    """Follow the reaction path from a saddle point down to both sides by the code itself.

    Parameters
    ----------
    atoms
        Saddle point to start from; it is not changed.
    calculator
        ASE calculator that nothing else uses, with a method ``irc(atoms, *, fmax, max_steps)``. The method returns the
        structures of one side and of the other, each from the first one after the saddle point on, with their
        energies and, if the code gives them, forces; and whether both sides came to their end.
    fmax
        No force on an atom at the saddle point may exceed this value, in eV/Å. A code that ends the path by its forces
        ends it here, too; the page of the code says so.
    max_steps
        Largest number of structures on each side.
    allow_unconverged
        Whether a path that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED`` in its
        directory, instead of an error.
    name
        Name of the run and stem of its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.

    Returns
    -------
    PathResult
        ``points`` has the energies in eV from the end of the reverse side over the saddle point to the end of the
        forward side, and ``ends`` are the structures of these two ends, near minima; ``atoms`` is the saddle point.
        On the forward side the first coordinate that changes at all (x, y, z of the first atom, then of the next one)
        increases, whatever the code calls this side.

    Raises
    ------
    InputError
        Bad input, or a structure with constraints or with forces above `fmax`.
    ConvergenceError
        The path does not end within `max_steps`, does not go down to two sides, or goes down by less than 1e-4 eV; or
        the energy or a force is not a number.
    """
    if not hasattr(calculator, "irc"):
        raise InputError(
            f"{type(calculator).__name__} follows no path by itself; with dispersion no code does. Take irc_job."
        )
    if atoms.constraints:
        raise InputError("A code follows its path with all atoms, and the structure has constraints. Take irc_job.")
    check_positive(fmax=fmax)
    check_count(max_steps=max_steps)
    formula = atoms.get_chemical_formula()
    with calculation(name, atoms, calculator, copy_files, ("energy", "forces")) as run:
        check_saddle(run, fmax)
        results = run.properties()
        *sides, converged = calculator.irc(run.atoms, fmax=fmax, max_steps=max_steps)
        saddle = run.atoms.copy()
        reverse, forward = _ordered(name, saddle, sides)
        images = [*reversed(reverse), saddle, *forward]
        energies = [results["energy"] if image is saddle else image.get_potential_energy() for image in images]
        found = [(results if image is saddle else image.calc.results).get("forces") for image in images]
        with run.trajectory() as trajectory:
            for image in images:
                trajectory.write(run.atoms if image is saddle else image)
        for end in (energies[0], energies[-1]):
            check_descent(name, formula, energies[len(reverse)], end)
        if not converged and not allow_unconverged:
            raise ConvergenceError(
                f"{name} of {formula} has not come to its end on both sides after {len(reverse)} and {len(forward)} "
                "steps. Raise max_steps, or set allow_unconverged=True."
            )
        document = run.result(converged=converged, fmax=fmax, max_steps=max_steps)
        ends = [end.copy() for end in (images[0], images[-1])]
        forces = [one for one in found if one is not None]
        points = path_points(images, energies, forces if len(forces) == len(images) else None)
        steps = len(images) - 1
        return cast(PathResult, {**document, "results": results, "points": points, "steps": steps, "ends": ends})


def _ordered(name: str, saddle: Atoms, sides: list[list[Atoms]]) -> list[list[Atoms]]:
    """Return the two sides, the one called forward last."""
    formula = saddle.get_chemical_formula()
    if not all(sides):
        raise ConvergenceError(f"{name} of {formula} has no structure on one side. The code's output says why.")
    first, second = ((side[0].positions - saddle.positions).ravel() for side in sides)
    if first @ second > 0:
        raise ConvergenceError(
            f"{name} of {formula} goes down the same side twice. Is this a saddle point? freq_job tells: one mode is "
            "imaginary."
        )
    apart = second - first
    leading = apart[np.abs(apart) > 1e-3 * np.abs(apart).max()][0]
    return sides if leading > 0 else sides[::-1]
