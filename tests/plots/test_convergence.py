"""Convergence that is drawn: units on both axes, all values, and names that can be read."""

from itertools import pairwise

import pytest
from ase.build import bulk

from adatom import change_settings
from adatom.errors import FlowFailure
from adatom.plots.draw import draw
from adatom.recipes import emt, lj

RADII = [4.0, 8.0, 12.0]


@pytest.fixture(autouse=True)
def _results(tmp_path):
    with change_settings(results_dir=tmp_path):
        yield


@pytest.mark.parametrize(
    ("options", "unit"),
    [
        ({}, "|Δ energy| (eV/atom)"),
        ({"per_atom": False}, "|Δ energy| (eV)"),
        ({"property": "results.forces", "per_atom": False}, "|Δ forces| (eV/Å)"),
        ({"property": "provenance.duration"}, "|Δ duration| (per atom)"),
    ],
)
def test_both_axes_have_units(options, unit):
    document = lj.convergence_flow(bulk("Cu"), {"calc_kwargs.rc": RADII}, **options)["convergence"]
    (axes,) = draw(document).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("calc_kwargs.rc (Å)", unit)


def test_a_setting_of_unknown_unit_has_none_and_equal_values_are_drawn():
    document = emt.convergence_flow(bulk("Cu"), {"calc_kwargs.asap_cutoff": [True, False, False]})["convergence"]
    (axes,) = draw(document).axes
    assert axes.get_xlabel() == "calc_kwargs.asap_cutoff"
    curve = axes.lines[0]
    assert list(curve.get_ydata()) == [row["difference"] for row in document["table"]]
    assert list(curve.get_ydata()[1:]) == [0.0, 0.0]
    assert axes.get_ylim()[0] < 0  # so that 0 is in view


def test_the_legend_names_tolerance_and_choice():
    for tolerance, choice in ((0.01, "chosen"), (1e-9, "last value, not settled")):
        document = lj.convergence_flow(bulk("Cu"), {"calc_kwargs.rc": RADII}, tolerance=tolerance)["convergence"]
        (axes,) = draw(document).axes
        names = [text.get_text() for text in axes.get_legend().get_texts()]
        assert names == ["difference from the last value", f"tolerance {tolerance:g} eV/atom", choice]


def test_many_and_long_values_do_not_overlap_and_a_failed_one_is_named():
    settings = {"calc_kwargs.rc": [3 + 0.5 * i for i in range(17)], "calc_kwargs.sigma": [None, 2.0, 2.0]}
    try:
        document = lj.convergence_flow(bulk("Cu"), settings)["convergence"]
    except FlowFailure as error:
        document = error.value["convergence"]
    figure = draw(document)
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in axes.get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert figure.axes[1].get_xticklabels()[0].get_text() == "None failed"
    assert list(figure.axes[1].lines[0].get_xdata()) == [1, 2]
