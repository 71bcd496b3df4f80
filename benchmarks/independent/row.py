"""One number by adatom, and the same number by an independent route."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name
        What the number is, with system and method.
    unit
        Of both numbers; none for a count or a ratio.
    recipe
        The function of adatom that gives the number.
    route
        How the other number comes about.
    ours, theirs
        Compute the two numbers.
    relative, absolute
        Largest deviation: in parts of the other number, and in `unit`. The larger one counts.
    needs
        Code or extra that has to be installed, by its name in `tests/codes.py`.
    quick
        Whether the row is part of every test run.
    """

    name: str
    unit: str
    recipe: str
    route: str
    ours: Callable[[], float]
    theirs: Callable[[], float]
    relative: float = 0.0
    absolute: float = 0.0
    needs: str = ""
    quick: bool = False

    def compare(self) -> "Comparison":
        """Compute both numbers."""
        return Comparison(self, float(self.ours()), float(self.theirs()))


@dataclass(frozen=True)
class Comparison:
    """A row with its two numbers."""

    row: Row
    ours: float
    theirs: float

    @property
    def deviation(self) -> float:
        """Their difference in the unit of the row."""
        return abs(self.ours - self.theirs)

    @property
    def allowed(self) -> float:
        """The largest deviation that is no fault, in the unit of the row."""
        return max(self.row.relative * abs(self.theirs), self.row.absolute)

    @property
    def agrees(self) -> bool:
        """Whether both numbers are the same within the deviation that is allowed; a number that is nan never is."""
        return self.deviation <= self.allowed

    def __str__(self) -> str:
        unit = f" {self.row.unit}" if self.row.unit else ""
        return (
            f"{self.row.name}: {self.ours:.10g}{unit} by adatom, {self.theirs:.10g}{unit} by the other route; they "
            f"differ by {self.deviation:.2g}, and {self.allowed:.2g} is allowed."
        )
