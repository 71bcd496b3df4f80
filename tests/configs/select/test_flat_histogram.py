"""Choices that are spread evenly over a quantity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.configs.select import flat_histogram
from adatom.errors import InputError


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 300), part=st.floats(0, 1), bins=st.integers(1, 12))
def test_no_bin_has_more_than_one_with_structures_left(seed, size, part, bins):
    values = np.random.default_rng(seed).exponential(size=size)
    n = max(1, int(part * size))
    found = flat_histogram(values, n, bins=bins, seed=seed)
    assert len({*found}) == n
    there, edges = np.histogram(values, bins)
    chosen, _ = np.histogram(values[found], edges)
    assert chosen.sum() == n
    assert max(chosen) <= min(chosen[chosen < there], default=size) + 1


def test_the_histogram_of_many_is_flat():
    values = np.random.default_rng(0).normal(size=20_000)
    found = flat_histogram(values, 200, bins=np.linspace(-2, 2, 21))
    assert np.histogram(values[found], np.linspace(-2, 2, 21))[0].tolist() == [10] * 20
    others = flat_histogram(values, 200, bins=np.linspace(-2, 2, 21), exclude=found)
    assert not {*others} & {*found}
    again = flat_histogram(values, 200, bins=np.linspace(-2, 2, 21), seed=1)
    assert again.tolist() != found.tolist()


@pytest.mark.parametrize(
    ("values", "kwargs", "said"),
    [
        ([0.0, np.nan], {"n": 1}, "Row 1"),
        ([0.0, 1.0], {"n": 3}, "n is 3, of 2"),
        ([0.0, 1.0, 9.0], {"n": 3, "bins": [0, 1, 2]}, "n is 3, of 2"),
        ([0.0, 1.0], {"n": 1, "bins": 0}, "bins is 0"),
        ([0.0, 1.0], {"n": 1, "bins": [1, 0]}, r"bins is \[1, 0\]"),
    ],
)
def test_bad_input(values, kwargs, said):
    with pytest.raises(InputError, match=said):
        flat_histogram(values, **kwargs)
