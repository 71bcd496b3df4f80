import pytest
from ase import Atoms
from ase.build import molecule
from ase.collections import g2

from adatom.atoms.electrons import electronic_spin, total_charge, unpaired_electrons
from adatom.errors import InputError

OH = Atoms("OH", positions=[[0, 0, 0], [0, 0, 0.97]])


@pytest.mark.parametrize(
    ("properties", "settings", "spin"),
    [
        ({"magmom": 4.0}, {"multiplicity": 1}, 2),  # what was computed counts most
        ({"magmom": -1.97}, {}, 1),
        ({"magmom": [0, 0.6, 0.8]}, {}, 0.5),
        ({"magmom": 0.0}, {}, 0),
        ({"magmoms": [1, 1]}, {"multiplicity": 1}, 0),
        ({}, {"multiplicity": None}, 1),  # the initial moments of O2
        ({}, {}, 1),
        (None, None, 1),
    ],
)
def test_where_the_spin_is_known_from(properties, settings, spin):
    o2 = molecule("O2")
    assert electronic_spin(o2, None, properties, settings) == spin
    assert electronic_spin(o2, spin, properties, settings) == spin
    with pytest.raises(InputError, match=rf"O2: spin is {spin + 1}, but .*spin is {spin:g}"):
        electronic_spin(o2, spin + 1, properties, settings)


@pytest.mark.parametrize(("charge", "lowest"), [(0, 0.5), (-1, 0), (1, 0), (-2, 0.5)])
def test_the_lowest_spin_follows_from_the_charge(charge, lowest):
    charged = OH.copy()
    charged.set_initial_charges([charge, 0])
    for atoms, settings in (
        (charged, {}),
        (OH, {"charge": charge}),
        (OH, {"input_data": {"system": {"tot_charge": charge}}}),
    ):
        assert total_charge(atoms, settings) == charge
        assert electronic_spin(atoms, settings=settings) == lowest
        assert electronic_spin(atoms, lowest + 1, settings=settings) == lowest + 1  # a guess forbids nothing
        with pytest.raises(InputError, match=f"charge {charge} has {9 - charge} electrons"):
            electronic_spin(atoms, lowest + 0.5, settings=settings)


def test_a_code_that_knows_multiplicities_pairs_electrons_without_one():
    with pytest.raises(InputError, match="without a multiplicity, which means 2"):
        electronic_spin(OH, 1.5, settings={"multiplicity": None})


def test_initial_moments_that_the_electrons_forbid():
    radical = OH.copy()
    radical.set_initial_magnetic_moments([2, 0])
    with pytest.raises(InputError, match="spin of 1: the initial magnetic moments add up to 2"):
        electronic_spin(radical)
    assert electronic_spin(radical, 0.5, {"magmom": 1.0}) == 0.5
    with pytest.raises(InputError, match="cannot have a spin of 1.5"):
        electronic_spin(Atoms("H"), 1.5)


@pytest.mark.parametrize(
    ("name", "moment", "spin"), [("O2", 1.4, 1), ("O2", 0.9, 0), ("OH", 0.3, 0.5), ("OH", 1.8, 0.5), ("OH", 2.3, 1.5)]
)
def test_a_moment_between_two_spins(name, moment, spin):
    """Of those that the number of electrons allows, the nearest one."""
    atoms = molecule(name)
    assert electronic_spin(atoms, properties={"magmom": moment}) == spin
    atoms.set_initial_magnetic_moments([moment, 0])
    assert electronic_spin(atoms) == spin


@pytest.mark.parametrize("spin", [0.3, -1, float("nan"), float("inf"), "1", True])
def test_no_spin(spin):
    with pytest.raises(InputError, match="spin is"):
        electronic_spin(molecule("H2"), spin)


def test_the_moments_of_g2_are_possible():
    for name in g2.names:
        assert electronic_spin(g2[name]) == unpaired_electrons(g2[name])[0] / 2
