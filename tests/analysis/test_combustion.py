"""Molecules of boxes that were put together by hand."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from adatom.analysis.combustion import combustion, count_molecules
from adatom.errors import InputError

NAMES = ["H2", "O2", "H2O", "H2O2", "OH", "H", "O", "H2O"]


def box(names, edge=8.0):
    """Molecules side by side along the first vector, the first of them across the boundary."""
    atoms = Atoms(cell=[edge * len(names), edge, edge], pbc=True)
    for number, name in enumerate(names):
        one = molecule(name)
        one.positions += (number * edge, 0, 0) - one.get_center_of_mass()
        atoms += one
    return atoms


def burnt(start, end, change=0.0, **more):
    return combustion(start, end, change, **{"steps": 10, "seconds": 2.0, **more})


def test_molecules_of_a_box():
    expected = {"H": 1, "H2": 1, "H2O": 2, "H2O2": 1, "HO": 1, "O": 1, "O2": 1}
    assert count_molecules(box(NAMES)) == expected
    wrapped = box(NAMES)
    wrapped.wrap()
    order = np.random.default_rng(0).permutation(len(wrapped))
    assert count_molecules(wrapped[order]) == expected
    assert count_molecules(Atoms()) == {}


def test_a_hydrogen_bond_is_none_and_a_shared_proton_is_a_bond():
    pair = molecule("H2O") + Atoms("OH2", molecule("H2O").positions + np.array([0, 0, 2.8]))
    assert count_molecules(pair) == {"H2O": 2}
    hydronium = molecule("H2O") + Atoms("H", [(0, 0, molecule("H2O").positions[0, 2] + 1.0)])
    assert count_molecules(hydronium) == {"H3O": 1}


@pytest.mark.parametrize(("length", "found"), [(1.25, {"HO": 1}), (1.35, {"H": 1, "O": 1})])
def test_the_length_of_a_bond(length, found):
    assert count_molecules(Atoms("OH", [(0, 0, 0), (0, 0, length)])) == found


def test_yield_and_energy():
    """Two of three waters are made, and half of an oxygen molecule's hydrogen is left."""
    start = box(["H2", "H2", "H2", "O2", "O"])
    end = box(["H2O", "H2O", "H2", "O"])
    found = burnt(start, end, -6.0)
    assert found["water_yield"] == pytest.approx(2 / 3)
    assert found["reaction_energy"] == pytest.approx(-3.0 * 23.060548, rel=1e-6)
    assert (found["reached"], found["reason"]) == (1.0, "")
    assert found["steps_per_second"] == 5


def test_oxygen_may_be_what_lacks():
    assert burnt(box(["H2", "H2", "O"]), box(["H2", "H2O"]))["water_yield"] == 1


def test_the_drift_is_that_of_the_centre_of_mass():
    start = box(["H2", "O"])
    end = start.copy()
    end.positions[:2] += (0, 0, 9.0)  # two atoms of hydrogen in 18 mass units
    expected = 9.0 * 2 * 1.008 / (2 * 1.008 + 15.999)
    assert burnt(start, end)["drift"] == pytest.approx(expected, rel=1e-9)


def test_there_is_no_energy_without_water_or_an_end():
    start = box(["H2", "O"])
    assert np.isnan(burnt(start, start, -1.0)["reaction_energy"])
    found = burnt(start, box(["H2O"]), -1.0, reached=0.5, reason="lost")
    assert np.isnan(found["reaction_energy"])
    assert (found["water_yield"], found["reached"], found["reason"]) == (1.0, 0.5, "lost")
    none = burnt(start, start, np.nan, steps=0, seconds=0, reached=0.0)
    assert np.isnan([none["drift"], none["steps_per_second"]]).all()


@pytest.mark.parametrize("names", [["H2"], ["O2"], ["H", "O"]])
def test_what_cannot_burn_is_refused(names):
    with pytest.raises(InputError, match="cannot burn to water"):
        burnt(box(names), box(names))
