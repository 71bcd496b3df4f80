import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.data import atomic_numbers, covalent_radii
from hypothesis import given
from hypothesis import strategies as st

from adatom.atoms.dimers import dimers
from adatom.errors import InputError


def distances(made):
    return [atoms.get_distance(0, 1) for atoms in made]


def test_all_pairs_of_elements():
    made = dimers(["Cu", "O"], [1.5, 2.0])
    assert [str(atoms.symbols) for atoms in made] == ["Cu2", "Cu2", "CuO", "CuO", "O2", "O2"]
    assert distances(made) == pytest.approx([1.5, 2.0] * 3)
    for atoms in made:
        np.testing.assert_allclose(atoms.positions.mean(axis=0), [10, 10, 10])
        assert (atoms.info, atoms.pbc.any()) == ({"config_type": "dimer"}, False)


def test_only_the_pairs_that_were_asked_for():
    assert [str(atoms.symbols) for atoms in dimers([("Cu", 8), ("O", "Cu")], [2.0])] == ["CuO", "OCu"]
    assert [str(atoms.symbols) for atoms in dimers("Cu", [2.0])] == ["Cu2"]
    assert [str(atoms.symbols) for atoms in dimers(np.array([29, 8]), [2.0])] == ["Cu2", "CuO", "O2"]


@given(st.sampled_from(["H", "O", "Cu", "Cs"]), st.sampled_from(["H", "O", "Cu", "Cs"]), st.integers(2, 30))
def test_distances_come_from_covalent_radii(first, second, number):
    found = distances(dimers([(first, second)], number=number, factors=(0.5, 2.0)))
    bond = covalent_radii[atomic_numbers[first]] + covalent_radii[atomic_numbers[second]]
    assert (len(found), found[0], found[-1]) == (number, pytest.approx(bond / 2), pytest.approx(2 * bond))
    np.testing.assert_allclose(np.diff(found), 1.5 * bond / (number - 1))


def test_the_default_curve_has_the_wall_and_the_well_of_copper():
    made = dimers(["Cu"])
    for atoms in made:
        atoms.calc = EMT()
    energies = np.array([atoms.get_potential_energy() for atoms in made])
    lowest = int(energies.argmin())
    assert 2 < lowest < 35
    assert (np.diff(energies[: lowest + 1]) < 0).all()
    assert energies[0] - energies[-1] > 2
    assert energies[-1] - energies[lowest] > 1


@pytest.mark.parametrize(
    ("elements", "arguments", "said"),
    [
        (["Cu", ("Cu", "O")], {}, "not both"),
        ([("Cu", "O", "H")], {}, "no pair"),
        ([("Cu", "Oo")], {}, "'Oo' is no element"),
        (["Cu"], {"distances": [0.0]}, "A distance of Cu-Cu is 0.0 Å"),
        (["Cu"], {"distances": [2, 30]}, "is 30 Å. Give distances above 0 and up to 20 Å, or a larger box"),
        (["Cu"], {"distances": [12], "pbc": True}, "up to 10 Å"),
        (["Cu"], {"number": 0}, "number is 0"),
        (["Cu"], {"factors": (2, 1)}, "factors \\(2, 1\\)"),
        ([], {}, "There are no elements"),
    ],
)
def test_bad_input(elements, arguments, said):
    with pytest.raises(InputError, match=said):
        dimers(elements, **arguments)
