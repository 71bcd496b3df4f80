"""Saddle points, with Sella."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, cast

from ase import Atoms

from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_atoms, check_count, check_positive
from adatom.calculations.converge import converge
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.steps import Earlier, Steps
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
    resume_from: Earlier = None,
) -> RelaxResult:
    """Find a saddle point of first order near a structure: up along one mode, down along all others.

    Parameters
    ----------
    atoms
        The structure, such as the highest image of a band; it is not changed.
    calculator
        An ASE calculator that nothing else uses.
    fmax
        Largest force that may remain on an atom, in eV/Å.
    max_steps
        Most steps of the optimizer.
    sella_kwargs
        Further arguments of ``sella.Sella``, such as ``internal=True`` for internal coordinates of a molecule,
        ``delta0``, the first trust radius in Å, or ``eta``, the displacement for curvatures in Å.
    allow_unconverged
        Whether a search that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED`` in
        its directory, instead of an error.
    name
        What the run is called, and its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    resume_from
        An earlier run of this that has steps left to make: its directory, or its result. It goes on from the last
        structure, and learns the curvatures anew. Only `max_steps`, `fmax` and `allow_unconverged` may be others;
        `max_steps` counts the steps of both.

    Returns
    -------
    RelaxResult
        ``atoms`` is the saddle point, ``results["energy"]`` its energy in eV. That it has one imaginary mode is for
        vibrations to say.

    Raises
    ------
    MissingExtraError
        Sella is not installed.
    InputError
        Bad input, found before anything is computed.
    IncompleteError
        The time was over: see the setting `walltime`.
    ConvergenceError
        Forces above `fmax` after `max_steps`, or an energy or a force that is not a number.

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
    # Else Sella would hold the orientation of what constraints hold already.
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
    """The package Sella.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import sella  # also sets up JAX, which takes seconds
    except ImportError as error:
        raise MissingExtraError("sella", "sella") from error
    return sella
