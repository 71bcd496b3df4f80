"""Values that change in the course of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from adatom.errors import InputError

__all__ = ["Knots", "Ramp"]

#: A number, or several that a run goes through.
Knots = float | Sequence[float]


class Ramp:
    """A value that goes from knot to knot: they are evenly spaced over the steps, and it is linear in between.

    Parameters
    ----------
    name
        Of the value.
    knots
        Its values; one that stays is a number.
    steps
        Of the run.
    positive
        Whether it must be above 0.

    Attributes
    ----------
    moves
        Whether it changes.

    Raises
    ------
    InputError
        A knot is no finite number, or not positive.
    """

    def __init__(self, name: str, knots: Knots, steps: int, positive: bool = False) -> None:
        listed = isinstance(knots, Sequence | np.ndarray) and not isinstance(knots, str)
        values: list[Any] = list(cast(Sequence[Any], knots)) if listed else [knots]
        kind = "numbers above 0" if positive else "numbers"
        good = all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in values)
        if not (values and good and np.isfinite(values).all() and (not positive or min(values) > 0)):
            raise InputError(f"{name} is {knots!r}. Give a number, or a list of {kind} to go through.")
        self._given = values if listed else values[0]
        self._values = [float(value) for value in values]
        self._steps = steps
        self.moves = len(set(self._values)) > 1

    @property
    def plain(self) -> float | list[float]:
        """As it was given: a number, or a list of them."""
        return self._given if self.moves or not isinstance(self._given, list) else self._given[0]

    def at(self, step: int) -> float:
        """The value after a number of steps.

        Parameters
        ----------
        step
            The number.
        """
        where = np.linspace(0, self._steps, len(self._values))
        return float(np.interp(step, where, self._values))

    def follow(self, motion: Any, change: Any) -> None:
        """Change the value with the steps of a run, from where that is.

        Parameters
        ----------
        motion
            What makes the steps.
        change
            Called with it and the value.
        """
        if not self.moves:
            return

        def now() -> None:
            change(motion, self.at(motion.nsteps))

        now()
        motion.attach(now, interval=1)
