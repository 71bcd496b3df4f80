"""Batches grow until a task is worth its cost, and the last ones are shared out."""

from types import SimpleNamespace

import pytest

from adatom.execution.batching import BatchSize

KIND = ("module", "function")


@pytest.fixture
def engine():
    return SimpleNamespace(capabilities=SimpleNamespace(worthwhile=0.2), item_costs={})


def sizes_of(size: BatchSize, cost: float, count: int) -> list[int]:
    found = []
    for _ in range(count):
        found.append(size.next())
        size.learn(found[-1], cost * found[-1])
    return found


@pytest.mark.parametrize(
    ("cost", "expected"), [(1e-3, [1, 8, 64, 200, 200]), (0.05, [1, 4, 4, 4, 4]), (3.0, [1, 1, 1, 1, 1])]
)
def test_they_hold_what_is_worth_a_task(engine, cost, expected):
    assert sizes_of(BatchSize(engine, KIND), cost, 5) == expected


def test_what_an_earlier_operation_cost_is_known_but_not_trusted_at_once(engine):
    sizes_of(BatchSize(engine, KIND), 1e-3, 3)
    assert BatchSize(engine, KIND).next() == 25
    assert BatchSize(engine, ("module", "other")).next() == 1
    assert BatchSize(engine, KIND, known=False).next() == 1


def test_the_last_items_are_shared_out(engine):
    size = BatchSize(engine, KIND)
    sizes_of(size, 1e-3, 4)
    assert size.next(left=10_000, workers=4) == 200
    assert size.next(left=400, workers=4) == 100
    assert size.next(left=40, workers=4) == 50  # less than a quarter of a batch is not worth a task


def test_items_that_became_dearer_make_smaller_batches(engine):
    size = BatchSize(engine, KIND)
    sizes_of(size, 1e-3, 4)
    size.learn(200, 20.0)
    assert size.next() == 2
    assert size.seconds == pytest.approx(0.2)
