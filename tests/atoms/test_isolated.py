import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom.atoms.isolated import isolated_atoms
from adatom.errors import InputError


def test_each_element_once_in_the_middle_of_its_box():
    atoms = isolated_atoms(["Cu", 8, "Cu"], box=12)
    assert [str(each.symbols) for each in atoms] == ["Cu", "O"]
    for each in atoms:
        np.testing.assert_allclose(each.positions, [[6, 6, 6]])
        np.testing.assert_allclose(each.cell.array, 12 * np.eye(3))
        assert not each.pbc.any()
        assert each.info == {"config_type": "IsolatedAtom"}
        assert "initial_magmoms" not in each.arrays


def test_those_of_a_structure():
    assert [str(each.symbols) for each in isolated_atoms(bulk("NaCl", "rocksalt", 5.64).symbols)] == ["Na", "Cl"]
    assert [str(each.symbols) for each in isolated_atoms("Cu")] == ["Cu"]


def test_it_is_alone_also_where_the_box_is_periodic():
    energies = []
    for pbc in (False, True):
        (atom,) = isolated_atoms(["Cu"], pbc=pbc)
        atom.calc = EMT()
        energies.append(atom.get_potential_energy())
    assert energies[0] == pytest.approx(energies[1], abs=1e-12)


def test_spin():
    moments = [atom.get_initial_magnetic_moments().tolist() for atom in isolated_atoms(["O", "Cu", "He"], magmoms=True)]
    assert moments == [[2.0], [1.0], [0.0]]


@pytest.mark.parametrize(
    ("elements", "arguments", "said"),
    [
        (["Cu", "Xx"], {}, "'Xx' is no element"),
        (["X"], {}, "'X' is no element"),
        ([0], {}, "0 is the number of no element"),
        ([], {}, "There are no elements"),
        (["Cu"], {"box": 0}, "box is 0"),
    ],
)
def test_bad_input(elements, arguments, said):
    with pytest.raises(InputError, match=said):
        isolated_atoms(elements, **arguments)
