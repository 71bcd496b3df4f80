"""Intrinsic reaction coordinates, with Sella."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

import numpy as np
from ase import Atoms
from ase.io import read

from adatom.analysis.path import path_points
from adatom.errors import ConvergenceError, InputError, UnknownNameError
from adatom.runners.calculation import calculation
from adatom.runners.checks import check_atoms, check_count, check_positive
from adatom.runners.saddle import sella
from adatom.schemas.results import PathResult

__all__ = ["Direction", "run_irc"]

Direction = Literal["forward", "reverse"]


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
) -> PathResult:
    """Follow the path of steepest descent in mass-weighted coordinates from a saddle point down to one side.

    Parameters
    ----------
    atoms
        The saddle point; it is not changed.
    calculator
        An ASE calculator that nothing else uses.
    direction
        ``"forward"``: to where the first atom that moves at all moves up its first axis; ``"reverse"``: to the other
        side.
    fmax
        The path ends where no force on an atom is larger, in eV/Å, and the curvatures are those of a minimum. Forces
        at the saddle point may not be larger either.
    max_steps
        Most steps.
    irc_kwargs
        Further arguments of ``sella.IRC``, such as ``dx``, the length of a step in Å sqrt(amu), 0.1 if it is not said:
        heavy atoms need longer ones.
    allow_unconverged
        Whether a path that ran out of steps gives a result with ``converged: False``, and a file ``UNCONVERGED`` in
        its directory, instead of an error.
    name
        What the run is called, and its files.

    Returns
    -------
    PathResult
        ``points`` has the energies from the saddle point on, in eV; ``atoms`` is the end of the path, near a minimum.
        A path that was cut starts anew when it is run again.

    Raises
    ------
    MissingExtraError
        Sella is not installed.
    InputError
        Bad input, or a structure with forces above `fmax`.
    ConvergenceError
        No end after `max_steps`, no path to follow, or a structure from which it does not go down.

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
    with calculation(name, atoms, calculator, needs=("energy", "forces")) as run:
        force = np.linalg.norm(run.atoms.get_forces(), axis=1).max()
        if force > fmax:
            raise InputError(
                f"{name} of {formula} starts at a saddle point, and here a force is {force:.3g} eV/Å: above "
                f"fmax={fmax}. "
                "Find the saddle point first, with ts_job or neb_job."
            )
        run.atoms.set_masses(atoms.get_masses())  # Sella's own are those of the most common isotopes
        with run.trajectory() as trajectory, run.log() as log:
            try:
                irc = package.IRC(run.atoms, logfile=log, **(irc_kwargs or {}))
            except TypeError as error:
                raise InputError(f"irc_kwargs do not fit sella.IRC: {error}.") from error
            irc.attach(trajectory.write, 1, run.atoms)
            try:
                converged = bool(irc.run(fmax=fmax, steps=max_steps, direction=direction))
            except package.optimize.irc.IRCInnerLoopConvergenceFailure as error:
                raise ConvergenceError(
                    f"{name} of {formula} loses the path after {irc.nsteps} steps. Is this a saddle point? freq_job "
                    "tells: one mode is imaginary. If it is, make the steps shorter with irc_kwargs={'dx': ...}."
                ) from error
        results = run.properties()
        if not atoms.has("masses"):
            del run.atoms.arrays["masses"]
        images = cast(list[Atoms], read(run.file(".traj"), ":"))
        points = path_points(
            images, [image.get_potential_energy() for image in images], [image.get_forces() for image in images]
        )
        if points["energies"][-1] >= points["energies"][0]:
            raise ConvergenceError(
                f"{name} of {formula} does not go down. Is this a saddle point? freq_job tells: one mode is imaginary."
            )
        if not converged and not allow_unconverged:
            raise ConvergenceError(
                f"{name} of {formula} has not come to its end after {irc.nsteps} steps. "
                "Raise max_steps, make the steps longer with irc_kwargs={'dx': ...}, or set allow_unconverged=True."
            )
        document = run.result(
            converged=converged, direction=direction, fmax=fmax, max_steps=max_steps, irc_kwargs=irc_kwargs or {}
        )
        return cast(PathResult, {**document, "results": results, "points": points, "steps": int(irc.nsteps)})
