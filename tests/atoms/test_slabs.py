import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.constraints import FixAtoms
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list
from ase.spacegroup import crystal

from adatom.atoms.slabs import make_slabs
from adatom.errors import InputError
from tests.recipes.descriptions import CELLS, CHANGES


@pytest.fixture(scope="module")
def copper():
    return make_slabs(bulk("Cu"))


def test_slabs_of_copper(copper):
    assert sorted(len(slab) for slab in copper) == [64, 80, 80, 96]
    # up to 1 in the primitive cell, and named in the conventional one
    assert [slab.info["miller_index"] for slab in copper] == [[1, 1, 1], [1, 0, 0], [1, 1, 0], [3, 1, 1]]
    assert {slab.info["miller_cell"] for slab in copper} == {"conventional"}
    assert not any(slab.info["flipped"] for slab in copper)


def test_shape(copper):
    for slab in copper:
        heights = slab.positions[:, 2]
        a, b, c = slab.cell.array
        assert a[2] == pytest.approx(0, abs=1e-10)
        assert b[2] == pytest.approx(0, abs=1e-10)
        np.testing.assert_allclose(c[:2], 0, atol=1e-10)
        assert (slab.cell.lengths()[:2] >= 8).all()
        assert c[2] - np.ptp(heights) >= 20
        assert heights.min() == pytest.approx(c[2] - heights.max(), abs=0.01)  # in the middle
        assert slab.pbc.all()


def test_it_is_the_crystal_inside(copper):
    nearest = 3.61 / np.sqrt(2)
    for slab in copper:
        middle = slab[np.argmin(np.abs(slab.positions[:, 2] - slab.cell[2, 2] / 2))]
        _, distances = get_distances([middle.position], slab.positions, cell=slab.cell, pbc=slab.pbc)
        shell = np.sort(distances[0])[1:13]
        np.testing.assert_allclose(shell, nearest, rtol=1e-6)


def test_all_but_the_top_is_fixed(copper):
    for slab in copper:
        depths = slab.positions[:, 2].max() - slab.positions[:, 2]
        assert set(slab.constraints[0].index) == set(np.flatnonzero(depths > 2.0))
    assert not make_slabs(bulk("Cu"), z_fix=None)[0].constraints


def test_sizes_are_what_they_say():
    thin = make_slabs(bulk("Cu"), min_slab_size=4, min_vacuum_size=8, min_length_width=None)
    thick = make_slabs(bulk("Cu"), min_slab_size=8, min_vacuum_size=8, min_length_width=None)
    assert all(np.ptp(slab.positions[:, 2]) < 8 for slab in thin)
    assert all(len(more) > len(few) for few, more in zip(thin, thick, strict=True))
    wide = make_slabs(bulk("Cu"), min_length_width=5.0)
    assert all((slab.cell.lengths()[:2] >= 5).all() for slab in wide)
    assert sum(map(len, wide)) < 64 + 80 + 80 + 96
    assert len(make_slabs(bulk("Cu", cubic=True), max_index=2)) > len(make_slabs(bulk("Cu", cubic=True)))


def distances(atoms, symbol):
    same = atoms[[s == symbol for s in atoms.symbols]]
    return np.sort(same.get_all_distances(mic=True).ravel())


@pytest.fixture(scope="module")
def zincblende():
    return bulk("ZnS", "zincblende", a=5.41)


def test_asymmetric_slabs_come_in_both_orientations(zincblende):
    slabs = make_slabs(zincblende, min_vacuum_size=10, min_slab_size=6)
    flipped = [index for index, slab in enumerate(slabs) if slab.info["flipped"]]
    assert flipped
    assert len(make_slabs(zincblende, min_vacuum_size=10, min_slab_size=6, flip_asymmetric=False)) == len(slabs) - len(
        flipped
    )
    for index in flipped:
        up, down = slabs[index - 1], slabs[index]
        assert up.info["miller_index"] == down.info["miller_index"]
        assert up.get_chemical_formula() == down.get_chemical_formula()
        # the same body: equal distances; and of the same hand, which a mirror would not give
        for symbol in ("Zn", "S"):
            np.testing.assert_allclose(distances(up, symbol), distances(down, symbol), atol=1e-6)
        assert np.sign(up.cell.volume) == np.sign(down.cell.volume)
        profile = [
            sorted(zip((s.positions[:, 2] - s.cell[2, 2] / 2).round(4), s.symbols, strict=True)) for s in (up, down)
        ]
        turned = sorted((0 - height, symbol) for height, symbol in profile[0])
        assert [symbol for _, symbol in turned] == [symbol for _, symbol in profile[1]]
        np.testing.assert_allclose([h for h, _ in turned], [h for h, _ in profile[1]], atol=1e-3)


def test_only_surfaces_that_are_wanted(zincblende):
    options = {"min_vacuum_size": 10, "min_slab_size": 6, "z_fix": 0.5}
    everything = make_slabs(zincblende, **options)
    zinc = make_slabs(zincblende, allowed_surface_symbols=["Zn"], **options)
    assert 0 < len(zinc) < len(everything)
    for slab in zinc:
        top = slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5
        assert "Zn" in slab.symbols[top]
    assert make_slabs(zincblende, allowed_surface_symbols=["Au"], **options) == []


def test_the_crystal_is_not_changed():
    crystal = bulk("Cu")
    before = crystal.copy()
    make_slabs(crystal)
    assert crystal == before


def test_indices_name_the_surface_whatever_the_cell(copper):
    """An atom of the surface has an area of its own."""
    areas = {(1, 0, 0): 1 / 2, (1, 1, 0): 0.5**0.5, (1, 1, 1): 3**0.5 / 4, (3, 1, 1): 11**0.5 / 4}  # squares of a
    for slab in [*copper, *make_slabs(bulk("Cu", cubic=True))]:
        heights = slab.positions[:, 2]
        top = int((heights > heights.max() - 0.1).sum())
        area = slab.cell.volume / slab.cell[2, 2] / top
        assert area == pytest.approx(areas[tuple(slab.info["miller_index"])] * 3.61**2, rel=1e-6)
    given = [slab.info["miller_index"] for slab in make_slabs(bulk("Cu"), miller_cell="given")]
    assert given == [[1, 0, 0], [1, 1, 0], [1, 0, -1], [1, 1, -1]]


THIN = {"min_slab_size": 5, "min_vacuum_size": 8, "min_length_width": None}


def tops(slabs):
    """Surfaces: index, number of atoms, and the depths of the uppermost ones by element."""

    def depths(slab):
        below = slab.positions[:, 2].max() - slab.positions[:, 2]
        # 0.003: none of these depths is at the edge between two hundredths
        return sorted(
            (float((d + 0.003).round(2)), symbol) for d, symbol in zip(below, slab.symbols, strict=True) if d < 2.0
        )

    return sorted((tuple(slab.info["miller_index"]), len(slab), depths(slab)) for slab in slabs)


def test_surfaces_of_layers_on_a_cubic_lattice():
    layers = bulk("Cu", a=3.85, cubic=True)
    layers.symbols[layers.positions[:, 2] > 1] = "Au"
    found = tops(make_slabs(layers, **THIN))
    # in the tetragonal cell; (0 0 1) of the layers ends in either element, and so does the side of their edges
    assert sorted({index for index, _, _ in found}) == [(0, 0, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 2)]
    assert [depths[0][1] for index, _, depths in found if index == (0, 0, 1)] == ["Au", "Cu"]
    for order in ([2, 0, 1], [1, 0, 2]):  # the second one is left-handed
        renamed = layers.copy()
        renamed.set_cell(layers.cell[order])
        assert tops(make_slabs(renamed, **THIN)) == found


MARKS = {"initial_magmoms": [2.0, -2.0], "masses": [55.0, 57.0], "initial_charges": [0.5, -0.5], "tags": [3, 4]}


@pytest.mark.parametrize("name", MARKS)
def test_atoms_that_differ_stay_where_they_are(name):
    """CsCl's order on iron: the neighbours of an atom are all of the other kind."""
    iron = bulk("Fe", cubic=True)
    iron.set_initial_magnetic_moments([1, 1])
    iron.set_array(name, None)
    iron.set_array(name, np.array(MARKS[name]))
    iron.set_array("own", np.array(["one", "other"]))
    slabs = make_slabs(iron, **THIN)
    # Charges and tags are carried, and do not make atoms different ones for symmetry.
    times = 2 if name in ("initial_magmoms", "masses") else 1
    assert [slab.info["miller_index"] for slab in slabs] == [[1, 0, 0]] * times + [[1, 1, 0]] + [[1, 1, 1]] * times
    for slab in slabs:
        first, second = neighbor_list("ij", slab, 2.5)
        if name == "initial_charges" and len(slab) % 2:
            assert not slab.has(name)  # they would add up to the charge of an ion
            continue
        values = slab.arrays[name]
        if name != "tags":  # a slab of atoms that are all alike is made of copies of one
            assert set(values) == set(MARKS[name])
            assert (values[first] != values[second]).all()
        assert (slab.arrays["own"] == np.where(values == MARKS[name][0], "one", "other")).all()
        if name != "initial_magmoms":
            assert (slab.get_initial_magnetic_moments() == 1).all()


def test_equal_moments_are_those_of_the_crystal():
    iron = bulk("Fe", cubic=True)
    iron.set_initial_magnetic_moments([2.2, 2.2])
    slabs = make_slabs(iron, **THIN)
    assert len(slabs) == 3
    assert all((slab.get_initial_magnetic_moments() == 2.2).all() for slab in slabs)


def test_moments_that_are_vectors_turn_with_the_crystal():
    iron = bulk("Fe", cubic=True)
    iron.set_array("initial_magmoms", None)
    iron.set_initial_magnetic_moments([[0, 0, 2.2]] * 2)
    heights = {}
    for slab in make_slabs(iron, miller_cell="given", **THIN):
        moments = slab.get_initial_magnetic_moments()
        np.testing.assert_allclose(np.linalg.norm(moments, axis=1), 2.2)
        normal = np.array(slab.info["miller_index"]) / np.linalg.norm(slab.info["miller_index"])
        heights[tuple(slab.info["miller_index"])] = (moments[0, 2], 2.2 * normal[2])
    assert len(heights) == 5
    for found, expected in heights.values():
        assert abs(found) == pytest.approx(expected, abs=1e-9)


def test_what_holds_for_the_crystal_only_is_left_out():
    iron = bulk("Fe", cubic=True)
    iron.set_velocities([[0.1, 0, 0]] * 2)
    iron.set_constraint(FixAtoms([0]))
    for slab in make_slabs(iron, z_fix=None, **THIN):
        assert not slab.constraints
        assert not slab.has("momenta")


def hand(atoms):
    """A number that a mirror image has with the other sign: twists of chains of three bonds between the atoms."""
    first, second, vectors = neighbor_list("ijD", atoms, 2.0)
    twist = 0.0
    for i, j, bond in zip(first, second, vectors, strict=True):
        before = [-v for k, n, v in zip(first, second, vectors, strict=True) if k == i and n != j]
        after = [v for k, n, v in zip(first, second, vectors, strict=True) if k == j and n != i]
        twist += sum((a @ np.cross(bond, b)) * (a @ b) for a in before for b in after)
    return twist / len(atoms)


def test_a_left_handed_cell_is_the_same_crystal():
    quartz = crystal(
        ("Si", "O"),
        [(0.4697, 0, 0), (0.4135, 0.2669, 0.1191)],
        spacegroup=152,
        cellpar=[4.916, 4.916, 5.405, 90, 90, 120],
    )
    left = quartz.copy()
    left.set_cell(quartz.cell[[1, 0, 2]])
    options = {**THIN, "min_slab_size": 2, "flip_asymmetric": False}
    right_slabs, left_slabs = (make_slabs(atoms, **options) for atoms in (quartz, left))
    assert tops(left_slabs) == tops(right_slabs)
    sign = np.sign(hand(quartz))
    assert abs(hand(quartz)) > 0.1
    assert all(np.sign(hand(slab)) == sign for slab in [*left_slabs[:4], *right_slabs[:4]])


def test_the_named_side_of_a_polar_crystal_is_on_top():
    """Along (0 0 1) of wurtzite the short bonds of an atom of zinc go down, and the long one goes up to oxygen."""
    wurtzite = bulk("ZnO", "wurtzite", a=3.25, c=5.2)
    up = np.sign(heights_of_bonds(wurtzite).sum())
    left = wurtzite.copy()
    left.set_cell(wurtzite.cell[[1, 0, 2]])
    for atoms in (wurtzite, left):
        slabs = make_slabs(atoms, miller_cell="given", **THIN)
        along = [slab for slab in slabs if slab.info["miller_index"] == [0, 0, 1]]
        assert len(along) == 4
        for slab in along:
            assert np.sign(heights_of_bonds(slab).sum()) == (-up if slab.info["flipped"] else up)


def heights_of_bonds(atoms):
    first, second, vectors = neighbor_list("ijD", atoms, 2.2)
    heights = vectors[(atoms.numbers[first] == 30) & (atoms.numbers[second] == 8), 2]
    return heights[abs(heights) > 1.5]


def test_displacements_are_kept():
    """Two equal cells with one atom a little aside."""
    copper = bulk("Cu", cubic=True) * (2, 1, 1)
    copper.positions[0, 2] += 0.06
    for slab in make_slabs(copper, **THIN)[:2]:
        assert len(slab) % len(copper) == 0


def test_options_of_the_generator():
    rocksalt = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    every = make_slabs(rocksalt, **THIN)
    unbroken = make_slabs(rocksalt, generator_kwargs={"bonds": {("Na", "Cl"): 2.9}}, **THIN)
    assert len(unbroken) < len(every)
    rocksalt.set_masses([23, 35, 24, 37] * 2)
    assert len(make_slabs(rocksalt, generator_kwargs={"bonds": {("Na", "Cl"): 2.9}}, **THIN)) < len(
        make_slabs(rocksalt, **THIN)
    )


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (molecule("H2O"), {}, "periodic in three directions"),
        (Atoms(), {}, "periodic in three directions"),
        ("Cu", {}, "periodic in three directions"),
        (bulk("Cu"), {"max_index": 0}, "max_index is 0"),
        (bulk("Cu"), {"min_slab_size": -1}, "size of the slab is -1"),
        (bulk("Cu"), {"generator_kwargs": {"vacuum": 3}}, "generate_all_slabs.*vacuum"),
        (bulk("Cu"), {"generator_kwargs": {"include_reconstructions": True}}, "include_reconstructions"),
        (bulk("Cu"), {"miller_cell": "hexagonal"}, "trigonal and hexagonal"),
        (bulk("Cu"), {"miller_cell": "primitive"}, "cell of Miller indices 'primitive'"),
    ],
)
def test_bad_input(atoms, arguments, said):
    with pytest.raises(InputError, match=said):
        make_slabs(atoms, **arguments)


@pytest.mark.parametrize("change", ["sheared", "doubled", "doubled_along_diagonals"])
def test_slabs_are_as_thick_whatever_cell_is_given(change):
    """D0_22, where two equal planes would have given slabs of different thickness."""
    alloy = bulk("Cu", a=3.8, cubic=True) * (1, 1, 2)
    alloy.symbols[[0, 7]] = "Au"
    sizes = [
        {
            tuple(slab.info["miller_index"]): len(slab) / np.linalg.norm(np.cross(*slab.cell.array[:2]))
            for slab in make_slabs(atoms, min_slab_size=4, min_length_width=None)
        }
        for atoms in (alloy, (CHANGES | CELLS)[change](alloy))
    ]
    common = sizes[0].keys() & sizes[1].keys()
    assert len(common) > 1
    assert [sizes[0][index] for index in common] == pytest.approx([sizes[1][index] for index in common])
