"""Bands that are drawn: gaps at jumps of the path, and names that can be read."""

from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from adatom import change_settings
from adatom.analysis.band_path import path_axis
from adatom.plots.draw import draw
from adatom.recipes import emt


@pytest.fixture(scope="module")
def copper(tmp_path_factory):
    with change_settings(results_dir=tmp_path_factory.mktemp("phonons")):
        return emt.phonon_flow(bulk("Cu"), supercell_matrix=(2, 2, 2), mesh=8, run_relax=False)["phonons"]


def along(phonons, cell):
    """The phonons with the path of another cell and bands of six modes there."""
    path = cell.bandpath(density=20)
    distances, places, labels = path_axis(path)
    bands = {"path": path.path, "distances": distances, "labels": labels, "label_distances": places}
    return {**phonons, "bands": {**bands, "frequencies": np.sin(path.kpts @ [1, 2, 3])[:, None] * np.arange(1, 7)}}


def names_of(axes):
    return [text.get_text().strip() for text in axes.get_xticklabels()]


def test_bands_are_interrupted_at_a_jump_of_the_path(copper):
    bands = copper["bands"]
    assert bands["path"] == "GXWKGLUWLK,UX"
    axes = draw(copper).axes[0]
    assert names_of(axes) == ["Γ", "X", "W", "K", "Γ", "L", "U", "W", "L", "K|U", "X"]
    curves = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 3
    (gap,) = np.flatnonzero(np.isnan(curves[0].get_xdata()))
    before, after = bands["qpoints"][[gap - 1, gap]]
    np.testing.assert_allclose(before, [3 / 8, 3 / 8, 3 / 4])  # K
    np.testing.assert_allclose(after, [5 / 8, 1 / 4, 5 / 8])  # U
    for mode, curve in enumerate(curves):
        assert np.isnan(curve.get_ydata()[gap])
        np.testing.assert_array_equal(np.delete(curve.get_ydata(), gap), bands["frequencies"][:, mode])


@pytest.mark.parametrize("cell", [[3, 4, 5, 70, 90, 90], [[0, 4, 5], [3, 0, 5], [3, 4, 0]], [3, 4, 5, 70, 80, 85]])
def test_no_two_names_of_special_points_overlap(copper, cell):
    document = along(copper, Atoms(cell=cell).cell)
    figure = draw(document)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert "|".join(names_of(axes)).count("|") == len(document["bands"]["labels"]) - 1
    boxes = [text.get_window_extent() for text in axes.get_xticklabels()]
    lines = [text.get_text().count("\n") for text in axes.get_xticklabels()]
    for line in set(lines):
        on_it = [box for box, where in zip(boxes, lines, strict=True) if where == line]
        assert all(left.x1 < right.x0 for left, right in pairwise(on_it))


def test_pictures_say_which_crystal_they_are_of_and_if_it_is_unstable(copper):
    figure = draw(copper)
    assert figure.get_suptitle() == f"Cu, Fm-3m (225), {bulk('Cu').get_volume():.2f} Å³"
    assert figure.axes[0].get_ylabel() == "frequency (THz)"
    unstable = draw({**copper, "lowest_frequency": -2.0})
    assert unstable.axes[0].get_ylabel() == "frequency (THz), imaginary below 0"
