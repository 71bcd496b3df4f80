"""Curves with few points still look as they are."""

import numpy as np
import pytest

from adatom.arena.report.thin import packed_curve, thin, view
from tests.arena.report.runs import ELEMENTS, MODELS, curve

PAIRS = [("distances", "energies"), ("distances", "forces")]


def unpacked(packed, steps):
    low, high, *differences = packed
    return low + np.cumsum(differences) * (high - low) / steps


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("element", ELEMENTS)
def test_lines_between_the_points_are_the_curve(model, element):
    document = curve(model, element)
    xs, ys = packed_curve(document, PAIRS, 90)
    x = unpacked(xs[0], 4000)
    assert len(x) <= 94
    full = np.array(document["distances"])
    for name, packed in zip(("energies", "forces"), ys, strict=True):
        y = np.array(document[name])
        low, high = view(y)
        assert packed[:2] == pytest.approx([low, high], rel=1e-5, abs=1e-5)
        seen = y <= high
        drawn = np.interp(full, x, unpacked(packed, 2000))
        # A wall is as good as upright, so there a line is as far off as the curve changes over a hundredth of an axis.
        room = 0.012 * (high - low) + 0.004 * np.ptp(full) * np.abs(np.gradient(y, full))
        assert (np.abs(drawn - y)[seen] < room[seen]).all()


@pytest.mark.parametrize("model", MODELS)
def test_a_wall_does_not_squash_the_well(model):
    y = np.array(curve(model, "Cu")["energies"])
    low, high = view(y)
    assert low == y.min()
    assert 1.9 < (high - low) / -y.min() < 3
    assert high < 0.2 * y.max()


def test_a_hole_at_short_distances_does_not_squash_the_well():
    x = np.linspace(0.5, 6, 600)
    well = (1 - np.exp(-2 * (x - 2))) ** 2 - 1
    low, high = view(np.where(x < 1, -500 / x, well))
    assert -5 < low < -0.2
    assert high < 5


def test_a_jump_and_the_extremes_are_kept():
    x = np.linspace(0, 10, 1000)
    y = np.sin(x) + (x > 4.2)
    y[700] = 9
    chosen = thin(x, [y], 60)
    jump = int(np.argmax(x > 4.2))
    assert {0, 999, 700} <= set(chosen)
    before, after = chosen[chosen < jump].max(), chosen[chosen >= jump].min()
    assert after - before <= 4
    assert len(chosen) <= 64


def test_few_points_are_all_drawn():
    x = np.linspace(0, 1, 21)
    assert thin(x, [x**2], 90).tolist() == list(range(21))


@pytest.mark.parametrize("value", [0.0, 3.5])
def test_a_constant(value):
    x = np.linspace(0, 1, 200)
    (_, ys) = packed_curve({"a": x, "b": np.full(200, value)}, [("a", "b")], 90)
    assert set(np.cumsum(ys[0][2:])) == {0}


def test_what_is_no_curve_is_left_out():
    assert packed_curve({}, PAIRS, 90) is None
    assert packed_curve({"distances": [1.0, 2.0], "energies": "none", "forces": [[1.0], [2.0]]}, PAIRS, 90) is None
    assert packed_curve({"distances": [1.0, None], "energies": [1.0, 2.0]}, PAIRS, 90) is None
    xs, ys = packed_curve({"distances": [3.0, 1.0, 2.0, 4.0], "energies": [9.0, 5.0, None, 7.0]}, PAIRS, 90)
    assert unpacked(xs[0], 4000) == pytest.approx([1, 3, 4], abs=0.0005)
    assert unpacked(ys[0], 2000) == pytest.approx([5, 9, 7], abs=0.002)
    assert ys[1] is None


def test_a_wall_without_end():
    y = np.array([1e300, 1e20, 5.0, -1.0, 0.0, 0.0])
    _, ys = packed_curve({"a": np.arange(6.0), "b": y}, [("a", "b")], 90)
    found = unpacked(ys[0], 2000)
    assert found[2:] == pytest.approx(y[2:], abs=0.01)
    assert (found[:2] > 1e11).all()
