"""Relaxation of the atoms and, on request, of the cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ase import Atoms

from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_atoms, check_count, check_positive
from adatom.calculations.converge import converge
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.pressure import Pressure, check_filter, check_pressure, under_pressure
from adatom.calculations.steps import PreviousRun, Steps
from adatom.calculations.tables import find_class
from adatom.errors import InputError
from adatom.schemas.results import RelaxResult

__all__ = ["CELL_FILTERS", "OPTIMIZERS", "run_optimize"]

OPTIMIZERS = {
    "BFGS": "ase.optimize:BFGS",
    "BFGSLineSearch": "ase.optimize:BFGSLineSearch",
    "FIRE": "ase.optimize:FIRE",
    "FIRE2": "ase.optimize:FIRE2",
    "GPMin": "ase.optimize:GPMin",
    "GoodOldQuasiNewton": "ase.optimize:GoodOldQuasiNewton",
    "LBFGS": "ase.optimize:LBFGS",
    "LBFGSLineSearch": "ase.optimize:LBFGSLineSearch",
    "MDMin": "ase.optimize:MDMin",
    "ODE12r": "ase.optimize:ODE12r",
    "QuasiNewton": "ase.optimize:QuasiNewton",
    "RFO": "ase.optimize:RFO",
    "SciPyFminBFGS": "ase.optimize.sciopt:SciPyFminBFGS",
    "SciPyFminCG": "ase.optimize.sciopt:SciPyFminCG",
}

CELL_FILTERS = {
    "ExpCellFilter": "ase.filters:ExpCellFilter",
    "FrechetCellFilter": "ase.filters:FrechetCellFilter",
    "StrainFilter": "ase.filters:StrainFilter",
    "UnitCellFilter": "ase.filters:UnitCellFilter",
}


def run_optimize(
    atoms: Atoms,
    calculator: Any,
    *,
    relax_cell: bool = False,
    pressure: Pressure = 0.0,
    fmax: float = 0.01,
    max_steps: int = 1000,
    optimizer: str | type[Any] = "BFGS",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    cell_filter: str | type[Any] = "FrechetCellFilter",
    allow_unconverged: bool = False,
    name: str = "relax",
    copy_files: CopyFiles = None,
    resume_from: PreviousRun | None = None,
) -> RelaxResult:
    """Move the atoms, and with `relax_cell` the cell, until the forces vanish.

    Parameters
    ----------
    atoms
        Structure to relax; it is not changed.
    calculator
        ASE calculator that nothing else uses.
    relax_cell
        Whether the cell changes too.
    pressure
        Pressure in GPa, not in ASE's eV/Å³, that the cell is relaxed under, with `relax_cell`: a number, or a symmetric
        tensor, as 3 × 3 numbers or as xx, yy, zz, yz, xz, xy, which the stress of the result is the opposite of. The
        energy of the result is without the work against it.
    fmax
        Largest force that may remain on an atom, in eV/Å; with `relax_cell` the filter includes the stress.
    max_steps
        Largest number of steps of the optimizer.
    optimizer
        Name in `OPTIMIZERS`, or a class such as those of ``ase.optimize``.
    optimizer_kwargs
        Further arguments of the optimizer.
    cell_filter
        Name in `CELL_FILTERS`, or a class such as those of ``ase.filters``.
    allow_unconverged
        Whether a relaxation that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED``
        in its directory, instead of an error.
    name
        Name of the run and stem of its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    resume_from
        Directory or result of an earlier run of this calculation that has steps left to make. Only `max_steps`, `fmax`
        and `allow_unconverged` may differ; `max_steps` counts the steps of both runs. An interrupted job needs no
        `resume_from`: run again, it continues.

    Returns
    -------
    RelaxResult
        ``atoms`` is the relaxed structure, ``results["energy"]`` its energy in eV.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    IncompleteError
        The time of the process ran out: see the setting `walltime`.
    ConvergenceError
        Forces above `fmax` remain after `max_steps`, or an energy or a force is not a number.
    """
    check_positive(fmax=fmax)
    check_count(max_steps=max_steps)
    make_optimizer = find_class("optimizer", optimizer, OPTIMIZERS)
    make_filter = find_class("cell filter", cell_filter, CELL_FILTERS) if relax_cell else None
    if make_filter:
        _check_cell(atoms)
    pressure = check_pressure(pressure, relax_cell)
    if make_filter:
        check_filter(pressure, make_filter, make_optimizer)
    settings = {
        "relax_cell": relax_cell,
        "pressure": pressure,
        "optimizer": make_optimizer.__name__,
        "optimizer_kwargs": optimizer_kwargs or {},
        "cell_filter": make_filter.__name__ if make_filter else None,
    }
    steps = Steps(name, max_steps, resume_from, atoms, calculator, **settings)
    needs = ("energy", "forces", "stress") if relax_cell else ("energy", "forces")
    with calculation(name, atoms, calculator, copy_files, needs) as run:
        # The filter comes first: strain is relative to the cell as given, also if an earlier run left another cell.
        moving = under_pressure(run.atoms, pressure, make_filter) if make_filter else run.atoms
        steps.enter(run)
        parts = {"filter": moving} if make_filter else {}
        relaxation, converged = converge(
            run, steps, make_optimizer, moving, fmax, optimizer_kwargs, allow_unconverged, **parts
        )
        results = run.properties()
        document = run.result(converged=converged, fmax=fmax, max_steps=max_steps, **settings)
        return cast(RelaxResult, {**document, "results": results, "steps": int(relaxation.nsteps)})


def _check_cell(atoms: Atoms) -> None:
    check_atoms(atoms)
    if not atoms.pbc.any() or atoms.cell.rank < 3:
        raise InputError(
            f"relax_cell needs a periodic structure with three cell vectors; pbc is {atoms.pbc.tolist()}. "
            "Set relax_cell=False, or a cell."
        )
