"""Values that change in the course of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from adatom.errors import InputError

__all__ = ["Knots", "Ramp"]

#: A constant number, or a list of numbers that a run goes through.
Knots = float | Sequence[float]


class Ramp:
    """Value that goes from knot to knot. The knots are evenly spaced over the steps, and it is linear in between.

    Parameters
    ----------
    name
        Name of the value, for messages.
    knots
        Values to go through; a single number stays constant.
    steps
        Number of steps of the run.
    positive
        Whether the value must be above 0.

    Attributes
    ----------
    moves
        Whether the value changes during the run.
    highest
        Highest of the knots.

    Raises
    ------
    InputError
        A knot is no finite number, or not above 0 with `positive`.
    """

    def __init__(self, name: str, knots: Knots, steps: int, positive: bool = False) -> None:
        listed = isinstance(knots, Sequence | np.ndarray) and not isinstance(knots, str)
        values: list[Any] = list(cast(Sequence[Any], knots)) if listed else [knots]
        if not _are_numbers(values) or (positive and min(values) <= 0):
            kind = "numbers above 0" if positive else "numbers"
            raise InputError(f"{name} is {knots!r}. Give a number, or a list of {kind} to go through.")
        self._given = values if listed else values[0]
        self._values = [float(value) for value in values]
        self._steps = steps
        self.moves = len(set(self._values)) > 1
        self.highest = max(self._values)

    @property
    def plain(self) -> float | list[float]:
        """Value as it was given: a list if it changes, otherwise a number."""
        return self._given if self.moves or not isinstance(self._given, list) else self._given[0]

    def at(self, step: int) -> float:
        """Return the value after a number of steps.

        Parameters
        ----------
        step
            Number of steps that have been made.
        """
        where = np.linspace(0, self._steps, len(self._values))
        return float(np.interp(step, where, self._values))

    def follow(self, motion: Any, change: Any) -> None:
        """Change the value with the steps of a run, from the current step on.

        Parameters
        ----------
        motion
            ASE's object that makes the steps.
        change
            Function that is called with `motion` and the value.
        """
        if not self.moves:
            return

        def now() -> None:
            change(motion, self.at(motion.nsteps))

        now()
        motion.attach(now, interval=1)


def _are_numbers(values: list[Any]) -> bool:
    """Return whether there are values, all of which are finite numbers."""
    numbers = all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in values)
    return bool(values) and numbers and bool(np.isfinite(values).all())
