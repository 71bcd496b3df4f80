import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.calculations.ramp import Ramp
from adatom.errors import InputError


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6), st.integers(1, 1000))
def test_it_passes_through_its_knots_and_stays_between_them(knots, steps):
    ramp = Ramp("pressure", knots, steps)
    assert (ramp.at(0), ramp.at(steps)) == (knots[0], pytest.approx(knots[-1]))
    values = [ramp.at(step) for step in range(steps + 1)]
    assert min(knots) - 1e-9 <= min(values) <= max(values) <= max(knots) + 1e-9
    assert ramp.moves == (len(set(knots)) > 1)


def test_it_is_linear_between_knots():
    ramp = Ramp("temperature", np.array([300, 600, 0]), 100, positive=False)
    assert [ramp.at(step) for step in (0, 25, 50, 75, 100)] == [300, 450, 600, 300, 0]
    assert ramp.plain == [300, 600, 0]
    assert Ramp("temperature", [300, 300], 10).plain == 300


@pytest.mark.parametrize("knots", [None, "300", [], [True], [[300]], float("inf"), [300, float("nan")], -1, [300, 0]])
def test_what_is_no_temperature_is_refused(knots):
    with pytest.raises(InputError, match="temperature is .* Give a number, or a list of numbers above 0"):
        Ramp("temperature", knots, 10, positive=True)
