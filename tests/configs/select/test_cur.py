"""Choices by leverage scores against the decomposition of numpy."""

import tracemalloc

import numpy as np
import pytest

from adatom.configs.select import cur, leverage_scores
from adatom.errors import InputError


def scores_by_numpy(rows, rank):
    vectors, values, _ = np.linalg.svd(rows, full_matrices=False)
    rank = min(rank, int((values > 1e-7 * values[0]).sum()))
    return np.square(vectors[:, :rank]).sum(axis=1)


@pytest.fixture(params=[(500, 40), (40, 500), (30, 30)], ids=["tall", "wide", "square"])
def rows(request):
    structures, numbers = request.param
    return np.random.default_rng(1).normal(size=(structures, numbers)) * np.exp(-np.arange(numbers) / 20)


@pytest.mark.parametrize("rank", [1, 10, 30])
def test_scores_are_those_of_the_singular_vectors(rows, rank):
    found = leverage_scores(rows, rank)
    np.testing.assert_allclose(found, scores_by_numpy(rows, rank), atol=1e-8)
    assert found.sum() == pytest.approx(rank)


def test_the_highest_scores_are_chosen(rows):
    expected = scores_by_numpy(rows, 10)
    found = cur(rows, 20)
    assert found.tolist() == np.argsort(-expected)[:20].tolist()
    rest = cur(rows, 5, rank=10, exclude=found)
    assert rest.tolist() == np.argsort(-expected)[20:25].tolist()


def test_scores_of_few_independent_structures_are_not_noise():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 50))
    found = leverage_scores(rows, 20)
    assert found.sum() == pytest.approx(3)
    np.testing.assert_allclose(found, scores_by_numpy(rows, 20), atol=1e-8)


def test_a_draw_follows_the_scores():
    rows = np.diag([10.0, 1.0, 1.0, 0.0])
    scores = leverage_scores(rows, 3)
    np.testing.assert_allclose(scores, [1, 1, 1, 0], atol=1e-12)
    draws = {tuple(sorted(cur(rows, 2, rank=3, seed=seed))) for seed in range(50)}
    assert draws == {(0, 1), (0, 2), (1, 2)}
    assert cur(rows, 2, rank=3, seed=4).tolist() == cur(rows, 2, rank=3, seed=4).tolist()


def test_a_file_of_descriptors_is_never_in_memory_as_a_whole(tmp_path):
    rows = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=float, shape=(100_000, 200))
    rng = np.random.default_rng(0)
    for start in range(0, len(rows), 10_000):
        rows[start : start + 10_000] = rng.normal(size=(10_000, 200))
    tracemalloc.start()
    cur(np.load(tmp_path / "x.npy", mmap_mode="r"), 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < rows.nbytes / 4


@pytest.mark.parametrize(
    ("rows", "kwargs", "said"),
    [
        (np.zeros((3, 2)), {"n": 1}, "All descriptors are 0"),
        (np.eye(3), {"n": 1, "rank": 0}, "rank is 0"),
        (np.eye(3), {"n": 4}, "n is 4, of 3 structures"),
        (np.diag([1.0, 0.0]), {"n": 2, "seed": 0}, "Only 1 structures have a score above 0"),
    ],
)
def test_bad_input(rows, kwargs, said):
    with pytest.raises(InputError, match=said):
        cur(rows, **kwargs)
