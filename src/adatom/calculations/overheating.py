"""End of dynamics that have gone wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import units

from adatom.atoms.freedoms import Freedoms
from adatom.errors import ConvergenceError

__all__ = ["make_steps", "watch"]

# Highest kT in eV of dynamics that have not gone wrong. It is that of a plasma: no chemical bond is stronger, and no
# potential or electronic ground state describes such atoms.
_HOTTEST = 10.0


def watch(motion: Any, freedoms: Freedoms, asked: float) -> None:
    """Watch the steps of dynamics, which end when the atoms are too hot to be described.

    Parameters
    ----------
    motion
        ASE's object that makes the steps.
    freedoms
        Degrees of freedom of the structure that moves.
    asked
        Highest temperature in K of the thermostat, 0 if there is none. Up to ten times this temperature and that of the
        start are no error.
    """
    atoms = motion.atoms
    hottest = max(_HOTTEST / units.kB, 10 * asked, 10 * freedoms.temperature(atoms.get_momenta()))

    def look() -> None:
        temperature = freedoms.temperature(atoms.get_momenta())
        if not temperature <= hottest or not np.isfinite(atoms.positions).all():
            raise _went_wrong(motion, f"{temperature:.3g}")

    motion.attach(look, interval=1)


def make_steps(motion: Any, steps: int) -> None:
    """Make steps.

    Parameters
    ----------
    motion
        ASE's object that makes the steps.
    steps
        Number of steps to make.

    Raises
    ------
    ConvergenceError
        The atoms are too hot to be described, or a number of the motion or of the structure is not finite.
    """
    try:
        motion.run(steps)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        if _is_finite(motion):
            raise
        raise _went_wrong(motion, "nan") from error


def _is_finite(motion: Any) -> bool:
    atoms = motion.atoms
    numbers = [*vars(motion).values(), *atoms.arrays.values(), atoms.cell.array]
    kinds = (float, np.floating, np.ndarray)
    return all(np.isfinite(each).all() for each in numbers if isinstance(each, kinds))


def _went_wrong(motion: Any, temperature: str) -> ConvergenceError:
    return ConvergenceError(
        f"{type(motion).__name__} of {motion.atoms.get_chemical_formula()} went wrong: after step {motion.nsteps} it "
        f"is at {temperature} K, which no bond holds. Shorten the timestep ({motion.dt / units.fs:g} fs), relax the "
        "structure first, slow a thermostat or barostat down, or look at the forces of the calculator."
    )
