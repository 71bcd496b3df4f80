import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.filters import FrechetCellFilter
from ase.io import read, write

from adatom.calculations.trajectory import Trajectory, cut
from adatom.errors import InputError


def test_the_file_is_the_one_that_ase_writes(tmp_path):
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.rattle(0.1, seed=1)
    atoms.info["note"] = "here"
    atoms.calc = EMT()
    atoms.get_forces()
    with Trajectory(tmp_path / "ours.traj") as trajectory:
        trajectory.write(atoms)
        trajectory.write(FrechetCellFilter(atoms))
    write(tmp_path / "ase.traj", atoms)
    first, second = read(tmp_path / "ours.traj", ":")
    reference = read(tmp_path / "ase.traj")
    for frame in (first, second):
        assert frame == reference
        assert frame.info == reference.info
        assert frame.calc.results.keys() == reference.calc.results.keys()
        np.testing.assert_array_equal(frame.get_stress(), reference.get_stress())


def test_stale_properties_are_not_written(tmp_path):
    atoms = bulk("Cu")
    atoms.calc = EMT()
    atoms.get_potential_energy()
    atoms.set_cell(atoms.cell * 1.1)
    with Trajectory(tmp_path / "t.traj") as trajectory:
        trajectory.write(atoms)
    frame = read(tmp_path / "t.traj")
    assert frame.calc is None or "energy" not in frame.calc.results


def test_structures_without_a_calculator_and_with_a_frozen_one(tmp_path):
    bare, frozen = bulk("Cu"), bulk("Cu")
    frozen.calc = SinglePointCalculator(frozen, energy=3.0)
    with Trajectory(tmp_path / "t.traj") as trajectory:
        trajectory.write(bare)
        trajectory.write(frozen)
    frames = read(tmp_path / "t.traj", ":")
    assert frames[0].calc is None
    assert frames[1].get_potential_energy() == 3.0


def test_a_copy_is_cut_at_a_frame_and_goes_on(tmp_path):
    """ASE keeps where frames are in tables for 1, 42, 1764, ... of them, each at the end of the file of its time."""
    atoms, lengths = bulk("Cu"), []
    atoms.calc = EMT()
    with Trajectory(tmp_path / "whole.traj") as whole:
        for number in range(50):
            atoms.positions[0, 0] = number / 100
            atoms.get_potential_energy()
            whole.write(atoms)
            lengths.append(whole.length())
    with (tmp_path / "whole.traj").open("ab") as file:
        file.write(b"half a frame")
    for length in lengths:
        copy = tmp_path / "copy.traj"
        cut(tmp_path / "whole.traj", copy, length)
        frames = length["frames"]
        assert [each.positions[0, 0] for each in read(copy, ":")] == [number / 100 for number in range(frames)]
        with Trajectory(copy, append=True) as rest:
            for number in range(frames, 60):
                atoms.positions[0, 0] = number / 100
                rest.write(atoms)
        assert [each.positions[0, 0] for each in read(copy, ":")] == [number / 100 for number in range(60)]


def test_a_trajectory_that_is_too_short_is_not_cut(tmp_path):
    with Trajectory(tmp_path / "whole.traj") as whole:
        whole.write(bulk("Cu"))
        length = whole.length()
    with pytest.raises(InputError, match="should have"):
        cut(tmp_path / "whole.traj", tmp_path / "copy.traj", {**length, "bytes": length["bytes"] + 1})
