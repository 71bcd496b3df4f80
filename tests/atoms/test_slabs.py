import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.geometry import get_distances

from adatom.atoms.slabs import make_slabs
from adatom.errors import InputError


@pytest.fixture(scope="module")
def copper():
    return make_slabs(bulk("Cu"))


def test_slabs_of_copper(copper):
    assert sorted(len(slab) for slab in copper) == [64, 80, 80, 96]
    # in the primitive cell's indices: (111), (100) twice named, and higher ones
    assert len({tuple(slab.info["miller_index"]) for slab in copper}) == 4
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


@pytest.mark.parametrize(
    ("atoms", "arguments", "said"),
    [
        (molecule("H2O"), {}, "periodic in three directions"),
        (Atoms(), {}, "periodic in three directions"),
        ("Cu", {}, "periodic in three directions"),
        (bulk("Cu"), {"max_index": 0}, "max_index is 0"),
        (bulk("Cu"), {"min_slab_size": -1}, "size of the slab is -1"),
        (bulk("Cu"), {"generator_kwargs": {"vacuum": 3}}, "generate_all_slabs.*vacuum"),
    ],
)
def test_bad_input(atoms, arguments, said):
    with pytest.raises(InputError, match=said):
        make_slabs(atoms, **arguments)
