import numpy as np
import pytest
from ase.build import bulk, molecule

from adatom.atoms.supercells import make_supercell
from adatom.errors import InputError


def test_the_cell_of_copper_is_a_cube():
    for crystal in (bulk("Cu"), bulk("Cu", cubic=True)):
        supercell = make_supercell(crystal)
        assert len(supercell) == 108
        np.testing.assert_allclose(supercell.cell.array, 3 * 3.61 * np.eye(3), atol=1e-9)


@pytest.mark.parametrize("crystal", [bulk("Zn"), bulk("ZnS", "zincblende", a=5.41)])
def test_sizes_are_what_they_say_and_the_crystal_is_the_same(crystal):
    before = crystal.copy()
    supercell = make_supercell(crystal, min_length=8, min_atoms=30, max_atoms=120)
    assert 30 <= len(supercell) <= 120
    assert supercell.cell.lengths().min() >= 8
    assert supercell.get_volume() / len(supercell) == pytest.approx(crystal.get_volume() / len(crystal))
    times = supercell.cell.array @ np.linalg.inv(crystal.cell.array)
    np.testing.assert_allclose(times, times.round(), atol=1e-9)
    assert crystal == before


def test_magnetic_moments_are_repeated():
    iron = bulk("Fe", cubic=True)
    iron.set_initial_magnetic_moments([2.0, -2.0])
    moments = make_supercell(iron, min_length=5, min_atoms=16).get_initial_magnetic_moments()
    assert sorted(moments) == [-2.0] * (len(moments) // 2) + [2.0] * (len(moments) // 2)


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (molecule("H2O"), {}, "periodic in three directions"),
        (bulk("Cu"), {"max_atoms": 90}, "no supercell is found of 80 to 90 atoms that is 10.0 Å long.*Raise max_atoms"),
        (bulk("Cu"), {"min_length": 0}, "min_length is 0"),
        (bulk("Cu"), {"min_atoms": 100, "max_atoms": 50}, "min_atoms is 100 and max_atoms 50"),
    ],
)
def test_bad_input(atoms, arguments, said):
    with pytest.raises(InputError, match=said):
        make_supercell(atoms, **arguments)
