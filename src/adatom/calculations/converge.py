"""What all optimizers do alike: steps until the forces vanish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    """Run an optimizer.

    Parameters
    ----------
    run, steps
        The calculation, and its steps, which it has entered.
    make_optimizer
        The class, or a function that makes one of its objects.
    moving
        What it moves.
    fmax
        Largest force that may remain, in eV/Å.
    optimizer_kwargs
        Further arguments of the class.
    allow_unconverged
        Whether forces above `fmax` are no error.
    **parts
        Other objects with a state.

    Returns
    -------
    optimizer
        What made the steps.
    converged : bool
        Whether the forces are below `fmax`.

    Raises
    ------
    InputError
        The class does not take `optimizer_kwargs`.
    ConvergenceError
        Forces above `fmax` after all steps.
    """
    with steps.files() as (trajectory, log):
        try:
            optimizer = make_optimizer(moving, trajectory=trajectory, logfile=log, **(optimizer_kwargs or {}))
        except TypeError as error:
            raise InputError(f"optimizer_kwargs do not fit {make_optimizer.__name__}: {error}.") from error
        steps.begin(optimizer, **parts)
        outcome = optimizer.run(fmax=fmax, steps=steps.remaining)
        converged = bool(optimizer.converged() if outcome is None else outcome)  # None: some people's classes
        if converged:
            steps.forget()
        else:
            steps.keep()
    if not converged:
        run.properties()  # says if the energy or a force is not a number
        if not allow_unconverged:
            raise ConvergenceError(
                f"{run.name} of {run.input_atoms.get_chemical_formula()} has forces above fmax={fmax} eV/Å "
                f"after {optimizer.nsteps} steps ({type(optimizer).__name__}). "
                "Raise max_steps (resume_from goes on), change the optimizer, or set allow_unconverged=True."
            )
    return optimizer, converged
