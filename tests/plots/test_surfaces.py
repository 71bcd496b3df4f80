"""Energies of surfaces and adsorbates that are drawn: numbers and names that can be read."""

import numpy as np
import pytest

from adatom.plots.draw import draw


def adsorption(energies):
    sites = [
        {"site": ("ontop", "bridge", "hollow")[i % 3], "site_index": i // 3, "adsorption_energy": e, "missing": ""}
        for i, e in enumerate(energies)
    ]
    return {"name": "adsorption_energies", "adsorbate": "CH3CH2OH", "sites": sites}


@pytest.mark.parametrize("energies", [np.linspace(-5.1, -5.0, 20), np.linspace(-1, 1, 20), [-5.0] * 20, [-1.0]])
def test_numbers_and_names_do_not_overlap_and_the_axis_fits_the_values(energies):
    figure = draw(adsorption(energies))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_xlabel() == "adsorption energy of CH3CH2OH (eV)"
    assert [text.get_text() for text in axes.texts] == [f"{energy:.2f}" for energy in energies]
    inside = axes.get_window_extent()
    for texts in (axes.texts, axes.get_yticklabels()):
        boxes = [text.get_window_extent() for text in texts]
        assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert all(
        inside.x0 < text.get_window_extent().x0 and text.get_window_extent().x1 < inside.x1 for text in axes.texts
    )
    assert np.ptp(axes.get_xlim()) < max(2 * np.ptp(energies), 1.2)


def test_a_site_without_an_energy_is_named_and_has_no_point():
    (axes,) = draw(adsorption([-1.0, None, 0.5])).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["ontop 0", "bridge 0: none", "hollow 0"]
    points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert [list(point) for point in points] == [[-1.0, 0], [0.5, 2]]
    (axes,) = draw(adsorption([None, None])).axes
    assert not len(axes.get_xticks())


def test_terminations_of_one_surface_are_told_apart():
    surfaces = [
        {"miller_index": index, "shift": shift, "flipped": False, "surface_energy": 1.0, "area": 1.0, "missing": ""}
        for index, shift in (([1, 0, 0], 0.25), ([1, 0, 0], 0.75), ([1, 1, -1], 0.5))
    ]
    (axes,) = draw({"name": "surface_energies", "surfaces": surfaces}).axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["(1 0 0), shift 0.25", "(1 0 0), shift 0.75", "(1 1 -1)"]
