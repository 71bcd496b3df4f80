"""Measures of any curve."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.analysis.curves import (
    derivative,
    flips,
    jump,
    rank_correlation,
    sorted_points,
    tortuosity,
    total_variation,
)
from adatom.errors import InputError


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (([1, 2, 3, 4, 5], [1, 2, 3, 4]), r"shapes of x, y are \[\(5,\), \(4,\)\]"),
        (([1, 2, 3, 4], [1, 2, 3, 4]), "5 or more"),
        (([1, 2, 3, 4, 4], [1, 2, 3, 4, 5]), "Two of the x are the same"),
        (([1, 2, 3, 4, np.nan], [1, 2, 3, 4, 5]), "no finite number"),
    ],
)
def test_points_that_make_no_curve_are_refused(points, said):
    x, y = points
    with pytest.raises(InputError, match=said):
        sorted_points(x=x, y=y)


def test_points_are_sorted_by_the_first_column():
    x, y = sorted_points(x=[3, 1, 2, 5, 4], y=[30, 10, 20, 50, np.nan])
    assert x.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(y, [10, 20, 30, np.nan, 50])


CURVES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=3, max_size=40)


@given(CURVES)
def test_measures_of_any_curve(values):
    backwards = values[::-1]
    assert total_variation(values) == pytest.approx(total_variation(backwards))
    assert flips(values) == flips(backwards)
    assert jump(values) == pytest.approx(jump(backwards))
    if np.ptp(values):
        wound = tortuosity(values)
        assert math.isnan(wound) or wound >= 1 - 1e-9
        assert math.isnan(wound) or wound == pytest.approx(tortuosity(backwards))
        assert -1 - 1e-9 <= rank_correlation(range(len(values)), values) <= 1 + 1e-9


def test_measures_of_a_zigzag():
    zigzag = [0, 2, 1, 1, 4]
    assert total_variation(zigzag) == 6
    assert flips(np.diff(zigzag)) == 2
    assert jump(zigzag) == (2 + 1) + (1 + 3)
    assert jump(zigzag, least=1.5) == 0
    assert rank_correlation([1, 2, 3], [1, 3, 2]) == pytest.approx(0.5)  # 1 - 6 (0 + 1 + 1) / (3 (9 - 1))


def test_derivatives_are_those_of_a_polynomial_of_fourth_order():
    x = np.sort(np.random.default_rng(3).uniform(-2, 2, 12))
    polynomial = np.polynomial.Polynomial([1, -2, 0.5, 3, -0.7])
    np.testing.assert_allclose(derivative(x, polynomial(x)), polynomial.deriv()(x), atol=1e-8)
    np.testing.assert_allclose(derivative(x[::-1], polynomial(x[::-1])), polynomial.deriv()(x[::-1]), atol=1e-8)
