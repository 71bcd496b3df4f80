"""The part that all optimizers share: steps until the forces are small enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from adatom.calculations.calculation import Calculation
from adatom.calculations.steps import Steps
from adatom.errors import ConvergenceError, InputError

__all__ = ["converge"]


def converge(
    run: Calculation,
    steps: Steps,
    make_optimizer: Callable[..., Any],
    moving: Any,
    fmax: float,
    optimizer_kwargs: Mapping[str, Any] | None,
    allow_unconverged: bool,
    **parts: Any,
) -> tuple[Any, bool]:
    """Run an optimizer until the forces are small enough or all steps are made.

    Parameters
    ----------
    run, steps
        Calculation, and its steps after `Steps.enter`.
    make_optimizer
        Class of the optimizer, or a function that makes one.
    moving
        Object that the optimizer moves: atoms, a cell filter or a band.
    fmax
        Largest force that may remain, in eV/Å.
    optimizer_kwargs
        Further arguments of `make_optimizer`; None: no further ones.
    allow_unconverged
        Whether forces above `fmax` after all steps are allowed.
    **parts
        Other objects whose state belongs in a checkpoint, by name.

    Returns
    -------
    optimizer
        Optimizer after its last step.
    converged : bool
        Whether the forces are below `fmax`.

    Raises
    ------
    InputError
        The `optimizer_kwargs` do not fit the optimizer.
    ConvergenceError
        Forces above `fmax` remain after all steps, or the energy or a force is not a number.
    """
    with steps.files() as (trajectory, log):
        try:
            trajectory.atoms = moving  # for optimizers that tell it to write and do not say what, such as Sella
            optimizer = make_optimizer(moving, trajectory=trajectory, logfile=log, **(optimizer_kwargs or {}))
        except TypeError as error:
            raise InputError(f"optimizer_kwargs do not fit {make_optimizer.__name__}: {error}.") from error
        steps.begin(optimizer, **parts)
        try:
            outcome = optimizer.run(fmax=fmax, steps=steps.remaining)
        except (ValueError, ArithmeticError) as error:
            _refuse_no_numbers(run, error)
            raise
        converged = bool(optimizer.converged() if outcome is None else outcome)  # None: classes other than ASE's
        if converged:
            steps.remove_checkpoint()
        else:
            steps.save_checkpoint()
    if not converged:
        run.properties()  # raises if the energy or a force is not a number
        if not allow_unconverged:
            raise ConvergenceError(
                f"{run.name} of {run.input_atoms.get_chemical_formula()} has forces above fmax={fmax} eV/Å "
                f"after {optimizer.nsteps} steps ({type(optimizer).__name__}). "
                "Raise max_steps (resume_from goes on), change the optimizer, or set allow_unconverged=True."
            )
    return optimizer, converged


def _refuse_no_numbers(run: Calculation, error: Exception) -> None:
    """Raise an error that says more than that of linear algebra, if what it was about are no numbers."""
    found = (run.atoms.positions, run.calculator.results.get("energy", 0.0), run.calculator.results.get("forces", 0.0))
    if not all(np.isfinite(values).all() for values in found):
        raise ConvergenceError(
            f"{run.name} of {run.input_atoms.get_chemical_formula()}: an energy, force or position is not a number. "
            "Are atoms at the same place?"
        ) from error
