"""Farthest-point sampling against all distances."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from adatom.configs.select import farthest_points
from adatom.errors import InputError


def in_plain_numpy(rows, n, start, before=()):
    """All distances to those that are chosen, computed again for each choice."""
    chosen = list(before)
    while len(chosen) < n + len(before):
        if start is not None and len(chosen) == len(before):
            chosen.append(start)
            continue
        lowest = cdist(rows, rows[chosen] if chosen else rows.mean(axis=0, keepdims=True)).min(axis=1)
        lowest[chosen] = -1
        chosen.append(int(lowest.argmax()))
    return chosen[len(before) :]


@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 120), st.integers(1, 8)),
    part=st.floats(0, 1),
    first=st.booleans(),
    excluded=st.integers(0, 5),
)
def test_the_choice_is_that_of_all_distances(seed, shape, part, first, excluded):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=shape) * 10 + 100
    before = rng.permutation(len(rows))[: min(excluded, len(rows) - 1)]
    n = max(1, int(part * (len(rows) - len(before))))
    start = next(number for number in range(len(rows)) if number not in before) if first else None
    found = farthest_points(rows, n, start=start, exclude=before)
    assert found.tolist() == in_plain_numpy(rows, n, start, before)


def test_five_hundred_structures():
    rows = np.random.default_rng(0).normal(size=(500, 30))
    assert farthest_points(rows, 100, start=7).tolist() == in_plain_numpy(rows, 100, 7)


def test_of_equal_structures_each_is_chosen_once():
    rows = np.repeat(np.eye(3), 4, axis=0)
    found = farthest_points(rows, 12)
    assert sorted(found) == list(range(12))
    assert sorted(np.argmax(rows[found[:3]], axis=1)) == [0, 1, 2]


def test_a_file_of_descriptors_is_never_in_memory_as_a_whole(tmp_path):
    rows = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=float, shape=(100_000, 200))
    rng = np.random.default_rng(0)
    for start in range(0, len(rows), 10_000):
        rows[start : start + 10_000] = rng.normal(size=(10_000, 200))
    tracemalloc.start()
    found = farthest_points(np.load(tmp_path / "x.npy", mmap_mode="r"), 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len({*found}) == 50
    assert peak < rows.nbytes / 4


@pytest.mark.parametrize(
    ("rows", "kwargs", "said"),
    [
        (np.zeros(3), {"n": 1}, r"shape \(3,\)"),
        (np.array([["a"]]), {"n": 1}, "type <U1"),
        (np.array([[0.0], [np.nan]]), {"n": 1}, "Row 1 of descriptors is not finite"),
        (np.zeros((3, 1)), {"n": 4}, "n is 4, of 3 structures"),
        (np.zeros((3, 1)), {"n": 0}, "n is 0"),
        (np.zeros((3, 1)), {"n": 3, "exclude": [1]}, "n is 3, of 2 structures"),
        (np.zeros((3, 1)), {"n": 1, "exclude": [5]}, "index 5"),
        (np.zeros((3, 1)), {"n": 1, "start": -1}, "start is -1"),
        (np.zeros((3, 1)), {"n": 1, "start": 1, "exclude": [1]}, "start is 1"),
    ],
)
def test_bad_input(rows, kwargs, said):
    with pytest.raises(InputError, match=said):
        farthest_points(rows, **kwargs)
