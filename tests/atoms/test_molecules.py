import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule, nanotube

from adatom.atoms.molecules import distance_from_line, is_linear, make_whole
from adatom.errors import InputError

CHAIN = Atoms("HC8H", positions=[[0, 0, z] for z in (0, *(1.06 + 1.3 * np.arange(8)), 11.22)])


def boxed(atoms, vacuum, skew=0.0, pbc=True):
    atoms = atoms.copy()
    atoms.center(vacuum)
    atoms.pbc = pbc
    atoms.cell[2, 0] += skew * atoms.cell[0, 0]
    return atoms


@pytest.mark.parametrize(
    "atoms",
    [
        boxed(molecule("H2O"), 4),
        boxed(molecule("C6H6"), 2.5, skew=0.4),
        boxed(molecule("C60"), 2.5),
        boxed(CHAIN, 2),  # longer than half of the cell
        boxed(molecule("H2O"), 4, pbc=[True, False, True]),
        molecule("CH4"),
    ],
)
def test_a_molecule_anywhere_in_its_cell_is_the_same(atoms):
    random = np.random.default_rng(0)
    for _ in range(5):
        moved = atoms.copy()
        moved.positions += random.uniform(-1, 1, 3) @ moved.cell.array * moved.pbc
        moved.wrap()
        before = moved.copy()
        whole = make_whole(moved)
        assert moved == before
        assert not whole.pbc.any()
        np.testing.assert_allclose(whole.positions[0], moved.positions[0])
        np.testing.assert_allclose(whole.get_all_distances(), atoms.get_all_distances(), atol=1e-9)


def test_masses_stay():
    heavy = Atoms("H2", positions=[[0, 0, 0.1], [0, 0, 4.5]], cell=[5] * 3, pbc=True, masses=[1, 2])
    whole = make_whole(heavy)
    assert whole.get_masses().tolist() == [1, 2]
    assert whole.get_distance(0, 1) == pytest.approx(0.6)


@pytest.mark.parametrize("crystal", [bulk("Cu", cubic=True), bulk("NaCl", "rocksalt", 5.6), nanotube(4, 4, length=2)])
def test_what_is_bound_to_its_images_is_no_molecule(crystal):
    assert crystal.pbc.any()
    with pytest.raises(InputError, match="no molecule.*molecule=False"):
        make_whole(crystal)


def test_linear_within_a_tenth_of_an_angstrom():
    for name, linear in {"N2": True, "CO2": True, "C2H2": True, "H2O": False, "CH2_s3B1d": False, "CH4": False}.items():
        assert is_linear(molecule(name)) is linear, name
    for shift, linear in ((0.14, True), (0.16, False)):
        bent = molecule("CO2")
        bent.positions[0, 0] += shift
        bent.rotate(40, (1, 2, 3))
        assert distance_from_line(bent) == pytest.approx(2 / 3 * shift, rel=0.01)
        assert is_linear(bent) is linear
    assert not is_linear(Atoms("Ar"))
