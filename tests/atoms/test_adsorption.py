import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc100, fcc111, molecule
from ase.constraints import FixAtoms, FixSymmetry

from adatom.atoms.adsorption import make_adsorbate, make_adsorption
from adatom.atoms.slabs import make_slabs
from adatom.errors import InputError, UnknownNameError
from tests.recipes.descriptions import rotated


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
        assert atoms.positions[-1, 2] - slab.positions[:, 2].max() == pytest.approx(1.8)  # C, which is below O
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


@pytest.mark.parametrize("name", ["C2H4", "H2CO", "O2", "CO", "HCN", "OH", "H2O", "NH3", "C6H6", "H"])
def test_the_lowest_atom_is_at_the_distance(name):
    slab = fcc111("Cu", (3, 3, 3), vacuum=10, periodic=True)
    for atoms in make_adsorption(slab, name, distance=1.9):
        heights = atoms.positions[len(slab) :, 2] - slab.positions[:, 2].max()
        assert heights.min() == pytest.approx(1.9)


@pytest.mark.parametrize(
    ("name", "binding_index", "symbol"),
    [("H2O", 0, "O"), ("CO", 0, "O"), ("CO", 1, "C"), ("NH3", 0, "N"), ("HCN", 2, "H")],
)
def test_the_binding_atom_points_down(slab, name, binding_index, symbol):
    (atoms,) = make_adsorption(slab, name, sites=["ontop"], binding_index=binding_index, distance=1.9)
    assert atoms.symbols[len(slab) + binding_index] == symbol
    heights = atoms.positions[len(slab) :, 2] - slab.positions[:, 2].max()
    assert heights[binding_index] == pytest.approx(1.9)
    assert (np.delete(heights, binding_index) > 2.1).all()
    given = molecule(name)
    assert atoms[len(slab) :].get_all_distances() == pytest.approx(given.get_all_distances())


def test_rotations_are_the_callers(slab):
    for rotation, axis in (((90, 0, 0), 1), ((0, 90, 0), 0), ((90, 0, 90), 0)):
        (atoms,) = make_adsorption(slab, "O2", sites=["ontop"], rotation=rotation)
        along = atoms.positions[-1] - atoms.positions[-2]
        assert abs(along[axis]) == pytest.approx(np.linalg.norm(along))
        (atoms,) = make_adsorption(slab, "CO", sites=["ontop"], rotation=rotation, binding_index=0)
        assert atoms.positions[-1, 2] == pytest.approx(atoms.positions[-2, 2])  # not turned down in secret


def test_up_is_the_side_of_the_third_vector(slab):
    expected = make_adsorption(slab, "CO")
    for cell in (slab.cell[[1, 0, 2]], slab.cell.array * [[-1], [1], [1]]):  # left-handed
        left = slab.copy()
        left.set_cell(cell)
        found = make_adsorption(left, "CO")
        assert [neighbours(atoms) for atoms in found] == [neighbours(atoms) for atoms in expected]
        for atoms in found:
            np.testing.assert_array_equal(atoms.cell, left.cell)
            assert atoms.positions[-1, 2] - slab.positions[:, 2].max() == pytest.approx(2.0)
    turned = slab.copy()
    turned.rotate(90, "x", rotate_cell=True)  # the surface is at -y
    for atoms in make_adsorption(turned, "CO"):
        assert turned.positions[:, 1].min() - atoms.positions[-1, 1] == pytest.approx(2.0)
        assert atoms.positions[-1, 1] > atoms.positions[-2, 1]


def test_names_and_structures_are_the_same_adsorbate(slab):
    for name in ("O2", "CO", "OH", "O"):
        pairs = zip(make_adsorption(slab, name), make_adsorption(slab, molecule(name)), strict=True)
        for named, given in ((make_adsorbate(name), make_adsorbate(molecule(name))), *pairs):
            assert named == given
            assert named.arrays.keys() == given.arrays.keys()  # Atoms are equal whatever moments they have
            assert all((named.arrays[key] == given.arrays[key]).all() for key in named.arrays)
    assert make_adsorbate("O2").get_initial_magnetic_moments().tolist() == [1, 1]


def test_what_both_carry_is_kept(slab):
    slab.set_initial_charges([0.1] * len(slab))
    slab.set_masses([65.0] * len(slab))
    slab.set_array("kind", np.array(["Cu"] * len(slab)))
    slab.set_array("number", np.arange(len(slab)))
    body = molecule("O2")
    body.set_masses([18.0, 16.0])
    body.set_tags([7, 8])
    body.set_array("kind", np.array(["first", "second"]))
    body.set_array("number", np.array([0.25, 0.5]))
    body.set_array("own", np.array([3, 4]))
    for atoms in make_adsorption(slab, body):
        on, below = atoms[len(slab) :], atoms[: len(slab)]
        assert on.get_initial_magnetic_moments().tolist() == [1, 1]
        assert on.get_initial_charges().tolist() == [0, 0]
        assert on.get_masses().tolist() == [18, 16]
        assert on.get_tags().tolist() == [7, 8]
        assert [on.arrays[name].tolist() for name in ("kind", "number", "own")] == [
            ["first", "second"],
            [0.25, 0.5],
            [3, 4],
        ]
        for name, values in slab.arrays.items():
            assert (below.arrays[name] == values).all()
        assert not below.get_initial_magnetic_moments().any()
    alone = make_adsorbate(body, box=5)
    for name in ("initial_magmoms", "masses", "tags", "kind", "number", "own"):
        assert (alone.arrays[name] == body.arrays[name]).all()


def test_moments_may_be_vectors(slab):
    slab.set_initial_magnetic_moments([[0.5, 0, 0]] * len(slab))
    for atoms in make_adsorption(slab, "O2"):
        moments = atoms.get_initial_magnetic_moments().tolist()
        assert moments == [[0.5, 0, 0]] * len(slab) + [[0, 0, 1]] * 2


def test_atoms_that_differ_make_sites_differ():
    slab = fcc100("Cu", (2, 2, 3), vacuum=10, periodic=True)
    slab.set_initial_magnetic_moments([1, -1, -1, 1] * 3)
    sites = [atoms.info["site"] for atoms in make_adsorption(slab, "O")]
    assert sites.count("ontop") == 2


@pytest.mark.parametrize(
    ("size", "arguments", "said"),
    [
        (
            (2, 2, 3),
            {"adsorbate": "O", "distance": 0.5},
            r"O on ontop site 0: its atom 0 \(O\) is 0.50 Å.*the slab \(Cu\)",
        ),
        ((2, 2, 3), {"adsorbate": "CO", "rotation": (0, 0, 0), "binding_index": 0, "distance": 1.5}, "its atom 1"),
        ((1, 1, 3), {"adsorbate": "C6H6"}, "a periodic image of the adsorbate"),
    ],
)
def test_overlaps_are_refused_by_name(size, arguments, said):
    with pytest.raises(InputError, match=said):
        make_adsorption(fcc111("Cu", size, vacuum=10, periodic=True), **arguments)


def held():
    body = molecule("CO")
    body.set_constraint(FixAtoms([0]))
    return body


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"adsorbate": "H2Oo"}, UnknownNameError, "Did you mean 'H2O'"),
        ({"adsorbate": Atoms()}, InputError, "no atoms"),
        ({"sites": "ontop"}, InputError, "Give a list"),
        ({"sites": ["top"]}, UnknownNameError, "Did you mean 'ontop'"),
        ({"distance": -1}, InputError, "distance is -1"),
        ({"binding_index": 1}, InputError, "0 to 0"),
        ({"rotation": 90}, InputError, "three angles in degrees"),
        ({"adsorbate": held()}, InputError, "has constraints"),
        ({"slab": Atoms("Cu")}, InputError, "three cell vectors"),
    ],
)
def test_bad_input(arguments, error, said, slab):
    with pytest.raises(error, match=said):
        make_adsorption(**{"slab": slab, "adsorbate": "O", **arguments})


def test_symmetry_that_is_held_is_not_that_of_a_slab_with_an_adsorbate(slab):
    held = slab.copy()
    held.set_constraint(FixSymmetry(held))
    assert all(not both.constraints for both in make_adsorption(held, "O"))


def test_a_moment_without_a_direction_goes_along_the_normal():
    """A slab that is turned has the same angles between its moments and that of the adsorbate."""
    slab = fcc111("Ni", (2, 2, 2), vacuum=6.0)
    slab.set_initial_magnetic_moments([[0.3, 0.0, 0.6]] * len(slab))
    for atoms in (slab, rotated(slab)):
        moments = make_adsorption(atoms, "O")[0].get_initial_magnetic_moments()
        assert moments[0] @ moments[-1] == pytest.approx(0.6 * 2)
