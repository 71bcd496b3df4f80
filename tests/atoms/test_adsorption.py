import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc100, fcc111, molecule
from ase.constraints import FixAtoms

from adatom.atoms.adsorption import make_adsorption
from adatom.atoms.slabs import make_slabs
from adatom.errors import InputError, UnknownNameError


@pytest.fixture
def slab():
    slab = fcc111("Cu", (2, 2, 3), vacuum=10, periodic=True)
    slab.set_constraint(FixAtoms(range(4)))
    slab.info["miller_index"] = [1, 1, 1]
    return slab


def neighbours(atoms):
    lengths = atoms.get_distances(-1, range(len(atoms) - 1), mic=True)
    return int((lengths < lengths.min() + 0.01).sum())


def test_sites_of_the_hexagonal_surface(slab):
    found = make_adsorption(slab, "O", distance=1.5)
    sites = [(atoms.info["site"], atoms.info["site_index"]) for atoms in found]
    assert sites == [("ontop", 0), ("bridge", 0), ("hollow", 0), ("hollow", 1)]  # two hollows: hcp and fcc
    assert [neighbours(atoms) for atoms in found] == [1, 2, 3, 3]


def test_sites_of_the_square_surface():
    found = make_adsorption(fcc100("Cu", (2, 2, 3), vacuum=10, periodic=True), "O")
    assert [atoms.info["site"] for atoms in found] == ["ontop", "bridge", "hollow"]
    assert [neighbours(atoms) for atoms in found] == [1, 2, 4]


def test_the_slab_stays_what_it_was(slab):
    before = slab.copy()
    for atoms in make_adsorption(slab, "CO", distance=1.8):
        assert atoms.get_chemical_formula() == (slab + molecule("CO")).get_chemical_formula()
        np.testing.assert_array_equal(atoms.positions[:-2], slab.positions)
        np.testing.assert_array_equal(atoms.cell, slab.cell)
        assert atoms.constraints[0].index.tolist() == [0, 1, 2, 3]
        assert atoms.info["miller_index"] == [1, 1, 1]
        assert atoms.info["adsorbate"] == "CO"
        assert atoms.positions[-2, 2] - slab.positions[:, 2].max() == pytest.approx(1.8)
    assert slab == before
    assert slab.info == before.info


def test_the_binding_atom_and_the_orientation_are_the_callers(slab):
    body = Atoms("CO", positions=[[0, 0, 0], [0, 0, 1.15]])
    body.rotate(180, "x")
    (atoms,) = make_adsorption(slab, body, sites=["ontop"], binding_index=1, distance=1.7)
    assert atoms.positions[-1, 2] - slab.positions[:, 2].max() == pytest.approx(1.7)
    assert atoms.positions[-2] - atoms.positions[-1] == pytest.approx([0, 0, 1.15])


def test_an_oblique_cell_has_no_more_sites(slab):
    oblique = slab.copy()
    oblique.cell[2] += 0.3 * oblique.cell[0]
    assert len(make_adsorption(oblique, "O")) == len(make_adsorption(slab, "O")) == 4


def test_on_slabs_of_ours():
    slab = make_slabs(bulk("Cu"))[0]
    found = make_adsorption(slab, "H")
    assert [atoms.info["site"] for atoms in found] == ["ontop", "bridge", "hollow", "hollow"]
    assert len({len(atoms.constraints[0].index) for atoms in found}) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"adsorbate": "H2Oo"}, UnknownNameError, "Did you mean 'H2O'"),
        ({"adsorbate": Atoms()}, InputError, "no atoms"),
        ({"sites": "ontop"}, InputError, "Give a list"),
        ({"sites": ["top"]}, UnknownNameError, "Did you mean 'ontop'"),
        ({"distance": -1}, InputError, "distance is -1"),
        ({"binding_index": 1}, InputError, "0 to 0"),
        ({"slab": Atoms("Cu")}, InputError, "three cell vectors"),
    ],
)
def test_bad_input(arguments, error, said, slab):
    with pytest.raises(error, match=said):
        make_adsorption(**{"slab": slab, "adsorbate": "O", **arguments})
