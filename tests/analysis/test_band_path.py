"""Lengths along paths through the Brillouin zone."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.cell import Cell
from ase.dft.kpoints import kpoint_convert

from adatom.analysis.band_path import path_axis

MONOCLINIC = Atoms(cell=[3, 4, 5, 70, 90, 90]).cell


@pytest.mark.parametrize("cell", [bulk("Cu").cell, bulk("Zn").cell, MONOCLINIC, Cell.new([3, 3, 7])])
@pytest.mark.parametrize("density", [2, 20])
def test_only_a_comma_has_no_length(cell, density):
    path = cell.bandpath(density=density)
    distances, places, labels = path_axis(path)
    assert "".join(labels) == path.path.replace(",", "")
    sections = path.path.split(",")
    assert np.count_nonzero(np.diff(distances) == 0) == np.count_nonzero(np.diff(places) == 0) == len(sections) - 1
    lengths = np.linalg.norm(np.diff(kpoint_convert(path.cell, skpts_kc=path.kpts), axis=0), axis=1)
    walked = np.diff(distances) > 0
    np.testing.assert_allclose(np.diff(distances)[walked], lengths[walked])


def test_a_point_that_comes_twice_has_both_places():
    distances, places, labels = path_axis(bulk("Cu").cell.bandpath("GXG,GL", npoints=31))
    assert labels == ["G", "X", "G", "G", "L"]
    assert list(places) == pytest.approx([0, places[1], 2 * places[1], 2 * places[1], distances[-1]])


def test_a_section_of_one_point_at_the_end_is_a_jump():
    distances, places, labels = path_axis(bulk("Cu").cell.bandpath("GX,U", npoints=20))
    assert labels == ["G", "U"]  # ASE's path has no point at X
    assert places[-1] == distances[-1] == distances[-2]
