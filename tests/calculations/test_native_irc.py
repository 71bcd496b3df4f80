"""A code that follows a reaction path by itself: here springs, which turn ammonia inside out."""

from itertools import islice

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read

from adatom.calculations import run_native_irc
from adatom.errors import ConvergenceError, InputError
from tests.standins import descend, optimize, springs


class Following(Calculator):
    """Calculator whose path has the sides, and the properties, that a test wants."""

    implemented_properties = ("energy", "forces")

    def __init__(self, sides=(1, -1), properties=("energy", "forces"), converged=True):
        super().__init__()
        self.sides, self.properties, self.converged = sides, properties, converged

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = dict(zip(("energy", "forces"), springs(self.atoms, 0, 1), strict=True))

    def irc(self, atoms, *, fmax, max_steps):
        sides = []
        for side in self.sides:
            images = list(islice(descend(atoms, side), max_steps)) if side else []
            for image in images:
                known = dict(zip(("energy", "forces"), springs(image, 0, 1), strict=True))
                image.calc = SinglePointCalculator(image, **{name: known[name] for name in self.properties})
            sides.append(images)
        return *sides, self.converged


@pytest.fixture(scope="module")
def saddle():
    ammonia = molecule("NH3")
    ammonia.positions[0, 2] = ammonia.positions[1, 2] + 0.1
    return optimize(ammonia, 1e-6, 20, True)[0][-1]


def test_the_sides_are_called_by_the_structure_and_not_by_the_code(saddle):
    before = saddle.copy()
    one, other = (run_native_irc(saddle, Following(sides), max_steps=8) for sides in ((1, -1), (-1, 1)))
    assert saddle == before
    for path in (one, other):
        reverse, forward = (end.positions[0, 2] - end.positions[1:, 2].mean() for end in path["ends"])
        assert reverse < -0.4 < 0.4 < forward  # of nitrogen, the first atom, whose x and y stay
        assert path["steps"] == 16
        assert path["points"]["energies"].argmax() == 8
        assert len(read(path["trajectory"], ":")) == 17
    assert other["points"]["energies"] == pytest.approx(one["points"]["energies"])
    assert one["atoms"].positions == pytest.approx(saddle.positions)


def test_slopes_without_forces_are_differences_of_the_energies(saddle):
    with_forces, without = (
        run_native_irc(saddle, Following(properties=properties), max_steps=4)["points"]
        for properties in (("energy", "forces"), ("energy",))
    )
    assert without["coordinates"] == pytest.approx(with_forces["coordinates"])
    inside = slice(1, -1)
    assert without["slopes"][inside] == pytest.approx(with_forces["slopes"][inside], abs=0.35)
    expected = np.gradient(without["energies"], without["coordinates"])
    assert without["slopes"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("calculator", "error", "message"),
    [
        (Following((1, 1)), ConvergenceError, "irc of H3N goes down the same side twice"),
        (Following((1, 0)), ConvergenceError, "irc of H3N has no structure on one side"),
        (Following(converged=False), ConvergenceError, "has not come to its end on both sides after 3 and 3 steps"),
        (EMT(), InputError, "EMT follows no path by itself.*Take irc_job"),
    ],
)
def test_failures(saddle, calculator, error, message):
    with pytest.raises(error, match=message):
        run_native_irc(saddle, calculator, max_steps=3)
