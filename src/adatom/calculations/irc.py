"""Intrinsic reaction coordinates with Sella."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

import numpy as np
from ase import Atoms
from ase.io import read

from adatom.analysis.path import path_points
from adatom.calculations.calculation import Calculation, calculation
from adatom.calculations.checks import check_atoms, check_count, check_positive
from adatom.calculations.saddle import sella
from adatom.calculations.steps import PreviousRun, Steps
from adatom.errors import ConvergenceError, InputError, UnknownNameError
from adatom.schemas.results import PathResult

__all__ = ["Direction", "check_descent", "check_saddle", "run_irc"]

Direction = Literal["forward", "reverse"]

_LEVEL = 1e-4  # eV, by which a path may go down that starts in a minimum, where small forces are left


def run_irc(
    atoms: Atoms,
    calculator: Any,
    *,
    direction: Direction = "forward",
    fmax: float = 0.05,
    max_steps: int = 1000,
    irc_kwargs: Mapping[str, Any] | None = None,
    allow_unconverged: bool = False,
    name: str = "irc",
    resume_from: PreviousRun | None = None,
) -> PathResult:
    """Follow the path of steepest descent in mass-weighted coordinates from a saddle point down to one side.

    Parameters
    ----------
    atoms
        Saddle point to start from; it is not changed.
    calculator
        ASE calculator that nothing else uses.
    direction
        Side to go down. ``"forward"``: the side to which the first coordinate that changes at all (x, y, z of the first
        atom, then of the next one) increases; ``"reverse"``: the other side.
    fmax
        The path ends where no force on an atom exceeds this value, in eV/Å, and the curvatures are those of a minimum.
        No force at the saddle point may exceed it either.
    max_steps
        Largest number of steps along the path.
    irc_kwargs
        Further arguments of ``sella.IRC``, such as ``dx``, the length of a step in Å sqrt(amu), 0.1 by default: heavy
        atoms need longer steps.
    allow_unconverged
        Whether a path that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED`` in its
        directory, instead of an error.
    name
        Name of the run and stem of its files.
    resume_from
        Directory or result of an earlier run of this calculation that has steps left to make. Only `max_steps` and
        `allow_unconverged` may differ; `max_steps` counts the steps of both runs. An interrupted job needs no
        `resume_from`: run again, it continues.

    Returns
    -------
    PathResult
        ``points`` has the energies from the saddle point on, in eV; ``atoms`` is the end of the path, near a minimum.

    Raises
    ------
    MissingExtraError
        Sella is not installed.
    InputError
        Bad input, or a structure with forces above `fmax`.
    IncompleteError
        The time of the process ran out: see the setting `walltime`.
    ConvergenceError
        The path does not end within `max_steps`, is lost on the way, or goes down from the structure by less than
        1e-4 eV; or the energy or a force is not a number.

    Notes
    -----
    E. D. Hermes, K. Sargsyan, H. N. Najm, J. Zádor, J. Chem. Theory Comput. 18, 6974 (2022).
    """
    check_positive(fmax=fmax)
    check_count(max_steps=max_steps)
    check_atoms(atoms)
    if direction not in get_args(Direction):
        raise UnknownNameError("direction", direction, get_args(Direction))
    package = sella()
    formula = atoms.get_chemical_formula()
    settings = {"direction": direction, "fmax": fmax, "irc_kwargs": irc_kwargs or {}}
    steps = Steps(name, max_steps, resume_from, atoms, calculator, **settings)
    with calculation(name, atoms, calculator, needs=("energy", "forces")) as run:
        steps.enter(run)
        if not steps.resumed:
            check_saddle(run, fmax)
        run.atoms.set_masses(atoms.get_masses())  # Sella would set those of the most common isotopes
        irc, converged = _descend(package, run, steps, direction, fmax, irc_kwargs)
        results = run.properties()
        if not atoms.has("masses"):
            del run.atoms.arrays["masses"]
        points = _points(run)
        check_descent(name, formula, points["energies"][0], points["energies"][-1])
        if not converged and not allow_unconverged:
            raise ConvergenceError(
                f"{name} of {formula} has not come to its end after {irc.nsteps} steps. "
                "Raise max_steps (resume_from goes on), make the steps longer with irc_kwargs={'dx': ...}, or set "
                "allow_unconverged=True."
            )
        document = run.result(converged=converged, max_steps=max_steps, **settings)
        return cast(PathResult, {**document, "results": results, "points": points, "steps": int(irc.nsteps)})


def check_saddle(run: Calculation, fmax: float) -> None:
    """Refuse a structure to start a path from that has forces.

    Parameters
    ----------
    run
        Calculation of the structure.
    fmax
        Largest force that an atom may have, in eV/Å.

    Raises
    ------
    InputError
        A force exceeds `fmax`.
    """
    force = np.linalg.norm(run.atoms.get_forces(), axis=1).max()
    if force > fmax:
        raise InputError(
            f"{run.name} of {run.atoms.get_chemical_formula()} starts at a saddle point, and here a force is "
            f"{force:.3g} eV/Å: above fmax={fmax}. Find the saddle point first, with ts_job or neb_job."
        )


def check_descent(name: str, formula: str, saddle: float, end: float) -> None:
    """Refuse a path that does not go down.

    Parameters
    ----------
    name, formula
        Name of the run, and what it computes.
    saddle, end
        Energies at both ends of the path, in eV.

    Raises
    ------
    ConvergenceError
        The path goes down by less than 1e-4 eV.
    """
    if end > saddle - _LEVEL:
        raise ConvergenceError(
            f"{name} of {formula} does not go down. Is this a saddle point? freq_job tells: one mode is imaginary."
        )


def _descend(
    package: Any,
    run: Calculation,
    steps: Steps,
    direction: Direction,
    fmax: float,
    irc_kwargs: Mapping[str, Any] | None,
) -> tuple[Any, bool]:
    """Follow the path down, and return Sella's object and whether the path has ended."""
    with steps.files() as (trajectory, log):
        try:
            irc = _way_down(package)(run.atoms, logfile=log, **(irc_kwargs or {}))
        except TypeError as error:
            raise InputError(f"irc_kwargs do not fit sella.IRC: {error}.") from error
        irc.attach(trajectory.write, 1, run.atoms)
        steps.begin(irc)
        irc.start(fmax, direction)
        try:
            converged = bool(irc.run(fmax=fmax, steps=steps.remaining))
        except package.optimize.irc.IRCInnerLoopConvergenceFailure as error:
            raise ConvergenceError(
                f"{run.name} of {run.atoms.get_chemical_formula()} loses the path after {irc.nsteps} steps. Is this a "
                "saddle point? freq_job tells: one mode is imaginary. If it is, make the steps shorter with "
                "irc_kwargs={'dx': ...}."
            ) from error
        if converged:
            steps.remove_checkpoint()
        else:
            steps.save_checkpoint()
    return irc, converged


def _points(run: Calculation) -> Any:
    """Return the points of the path, from the trajectory."""
    images = cast(list[Atoms], read(run.file(".traj"), ":"))
    return path_points(
        images, [image.get_potential_energy() for image in images], [image.get_forces() for image in images]
    )


class _Surface:
    """Slots for Sella's energy surface, which keep it out of the checkpoint.

    The surface is not plain data, and `Steps` does not see attributes in slots. Between two steps the path depends on
    the Hessian of the surface alone, and on the properties that the calculator gives for the structure.
    """

    __slots__ = ("pes", "pescurr", "peslast")


def _way_down(package: Any) -> type[Any]:
    """Return Sella's class, changed so that `Steps` can resume its path."""
    from ase.optimize.optimize import Optimizer

    class IRC(_Surface, package.IRC):
        run = Optimizer.run  # Sella's own `run` begins at the saddle point each time
        hessian = None

        def start(self, fmax: float, direction: Direction) -> None:
            """Find the way down from the saddle point, or continue the path of an earlier run."""
            if not self.nsteps:
                self.irun(fmax=fmax, direction=direction)
                return
            if self.hessian is None:  # not in the checkpoint: learned as at the saddle point
                self.pes.kick(0, True, **self.peskwargs)
            else:
                self.pes.set_H(self.hessian, initialized=True)
            self.first, self.d1, self.fmax_inner = False, np.zeros(len(self.sqrtm)), min(fmax, 0.01)

        def step(self) -> None:
            super().step()
            self.hessian = self.pes.get_H().asarray().copy()

    return IRC
