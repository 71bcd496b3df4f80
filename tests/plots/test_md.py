"""Molecular dynamics that is drawn: one zero for all energies."""

import pytest
from ase.build import bulk
from ase.io import read

from adatom import change_settings
from adatom.plots.draw import draw
from adatom.recipes import emt


@pytest.mark.parametrize(("steps", "interval"), [(5, 1), (1, 5)])
def test_energies_share_one_zero_which_the_axis_names(steps, interval, tmp_path):
    with change_settings(results_dir=tmp_path):
        result = emt.md_job(bulk("Cu", cubic=True), temperature=600, steps=steps, interval=interval)
    figure = draw(result)
    top, bottom = figure.axes
    drawn = {line.get_label(): line.get_ydata() for line in top.lines}
    frames = read(result["trajectory"], ":")
    assert len(frames) == 1 + steps // interval
    zero = frames[0].get_potential_energy()
    assert drawn["potential"] == pytest.approx([frame.get_potential_energy() - zero for frame in frames], abs=1e-12)
    assert drawn["total"] == pytest.approx([frame.get_total_energy() - zero for frame in frames], abs=1e-12)
    assert drawn["total"] == pytest.approx(drawn["potential"] + drawn["kinetic"], abs=1e-12)
    assert top.get_ylabel() == f"energy (eV)\n0 is a potential energy of {zero:.4f} eV"
    assert [text.get_text() for text in top.get_legend().get_texts()] == list(drawn)
    assert all(line.get_marker() == "." for line in [*top.lines, *bottom.lines])  # one point has no line
