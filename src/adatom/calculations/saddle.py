"""Saddle points with Sella."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, cast

from ase import Atoms

from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_atoms, check_count, check_positive
from adatom.calculations.converge import converge
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.steps import PreviousRun, Steps
from adatom.calculations.trajectory import Trajectory
from adatom.errors import InputError, MissingExtraError
from adatom.schemas.results import RelaxResult

__all__ = ["run_saddle", "sella"]


def run_saddle(
    atoms: Atoms,
    calculator: Any,
    *,
    fmax: float = 0.01,
    max_steps: int = 1000,
    sella_kwargs: Mapping[str, Any] | None = None,
    allow_unconverged: bool = False,
    name: str = "ts",
    copy_files: CopyFiles = None,
    resume_from: PreviousRun | None = None,
) -> RelaxResult:
    """Find a saddle point of first order near a structure: up along one mode, down along all others.

    Parameters
    ----------
    atoms
        Structure to start from, such as the highest image of a band; it is not changed.
    calculator
        ASE calculator that nothing else uses.
    fmax
        Largest force that may remain on an atom, in eV/Å.
    max_steps
        Largest number of steps of the optimizer.
    sella_kwargs
        Further arguments of ``sella.Sella``, such as ``internal=True`` for internal coordinates of a molecule,
        ``delta0``, the first trust radius in Å, or ``eta``, the displacement for curvatures in Å.
    allow_unconverged
        Whether a search that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED`` in
        its directory, instead of an error.
    name
        Name of the run and stem of its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    resume_from
        Directory or result of an earlier run of this calculation that has steps left to make. The search continues from
        the last structure, and learns the curvatures anew. Only `max_steps`, `fmax` and `allow_unconverged` may differ;
        `max_steps` counts the steps of both runs.

    Returns
    -------
    RelaxResult
        ``atoms`` is the saddle point, ``results["energy"]`` its energy in eV. The search does not check that the
        structure has exactly one imaginary mode: compute its vibrations.

    Raises
    ------
    MissingExtraError
        Sella is not installed.
    InputError
        Bad input, found before anything is computed.
    IncompleteError
        The time of the process ran out: see the setting `walltime`.
    ConvergenceError
        Forces above `fmax` remain after `max_steps`, or an energy or a force is not a number.

    Notes
    -----
    E. D. Hermes, K. Sargsyan, H. N. Najm, J. Zádor, J. Chem. Theory Comput. 18, 6974 (2022).
    """
    check_positive(fmax=fmax)
    check_count(max_steps=max_steps)
    check_atoms(atoms)
    make = sella().Sella
    if sella_kwargs and "order" in sella_kwargs:
        raise InputError(
            f"sella_kwargs have order={sella_kwargs['order']!r}. Leave it out: saddle points have order 1."
        )
    steps = Steps(name, max_steps, resume_from, atoms, calculator, sella_kwargs=sella_kwargs or {})
    # Otherwise Sella would hold the orientation of a structure that constraints hold already.
    fixed = {"proj_rot": False} if atoms.constraints else {}

    def search(moving: Atoms, trajectory: Trajectory, logfile: IO[str], **kwargs: Any) -> Any:
        optimizer = make(moving, logfile=logfile, **{**fixed, **kwargs})
        optimizer.attach(trajectory.write, 1, moving)  # Sella itself would write each displacement too
        return optimizer

    with calculation(name, atoms, calculator, copy_files, ("energy", "forces")) as run:
        steps.enter(run)
        optimizer, converged = converge(run, steps, search, run.atoms, fmax, sella_kwargs, allow_unconverged)
        results = run.properties()
        document = run.result(
            converged=converged, fmax=fmax, max_steps=max_steps, optimizer="Sella", optimizer_kwargs=sella_kwargs or {}
        )
        return cast(RelaxResult, {**document, "results": results, "steps": int(optimizer.nsteps)})


def sella() -> Any:
    """Import the package Sella, and return it.

    Raises
    ------
    MissingExtraError
        Sella is not installed.
    """
    try:
        import sella  # also sets up JAX, which takes seconds
    except ImportError as error:
        raise MissingExtraError("sella", "sella") from error
    return sella
