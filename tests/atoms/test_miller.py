import math
from itertools import product

import numpy as np
import pytest
import spglib
from ase import Atoms, lattice
from ase.build import bulk
from ase.spacegroup import crystal

from adatom.atoms.equivalence import species_labels
from adatom.atoms.miller import distinct_planes, miller_bravais
from adatom.atoms.symmetry import point_group
from adatom.errors import InputError, UnknownNameError

BRAVAIS = [
    lattice.CUB(3),
    lattice.FCC(4),
    lattice.BCC(4),
    lattice.TET(3, 4),
    lattice.BCT(3, 5),
    lattice.ORC(3, 4, 5),
    lattice.ORCF(3, 4, 5),
    lattice.ORCI(3, 4, 5),
    lattice.ORCC(3, 4, 5),
    lattice.HEX(3, 5),
    lattice.RHL(3, 70),
    lattice.MCL(3, 4, 5, 80),
    lattice.MCLC(3, 4, 5, 80),
    lattice.TRI(3, 4, 5, 70, 80, 85),
]

SAPPHIRE = crystal(
    ("Al", "O"), [(0, 0, 0.352), (0.306, 0, 0.25)], spacegroup=167, cellpar=[4.76, 4.76, 12.99, 90, 90, 120]
)
QUARTZ = crystal(
    ("Si", "O"), [(0.4697, 0, 0), (0.4135, 0.2669, 0.1191)], spacegroup=152, cellpar=[4.916, 4.916, 5.405, 90, 90, 120]
)
PYRITE = crystal(("Fe", "S"), [(0, 0, 0), (0.385, 0.385, 0.385)], spacegroup=205, cellpar=[5.42] * 3 + [90] * 3)


def copper_gold():
    """L1_0 on the cubic cell of copper: tetragonal atoms on a cubic lattice."""
    atoms = bulk("Cu", a=3.85, cubic=True)
    atoms.symbols[atoms.positions[:, 2] > 1] = "Au"
    return atoms


def antiferromagnet():
    atoms = bulk("Fe", cubic=True) * (1, 1, 2)
    atoms.set_initial_magnetic_moments([2, 2, -2, -2])
    return atoms


CRYSTALS = {
    "rocksalt": bulk("NaCl", "rocksalt", a=5.64),
    "zincblende": bulk("ZnS", "zincblende", a=5.41),
    "wurtzite": bulk("ZnO", "wurtzite", a=3.25, c=5.2),
    "rutile": crystal(
        ("Ti", "O"), [(0, 0, 0), (0.3053, 0.3053, 0)], spacegroup=136, cellpar=[4.59, 4.59, 2.96] + [90] * 3
    ),
    "fluorite": bulk("CaF2", "fluorite", a=5.46),
    "perovskite": Atoms(
        "SrTiO3",
        scaled_positions=[(0, 0, 0), *[(0.5,) * 3], (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)],
        cell=[3.9] * 3,
        pbc=True,
    ),
    "sapphire": SAPPHIRE,
    "L1_0": copper_gold(),
    "diamond": bulk("C", "diamond", cubic=True),
    "hcp": bulk("Mg"),
    "bcc": bulk("Fe"),
    "quartz": QUARTZ,
    "pyrite": PYRITE,
    "antiferromagnet": antiferromagnet(),
}


def names(atoms, max_index=1, cell="conventional"):
    return [tuple(plane.index) for plane in distinct_planes(atoms, species_labels(atoms), max_index, cell)]


def families(atoms, max_index):
    """Planes up to an index, each the set of those that spglib's operations make of it, or of its other side."""
    marked = (atoms.cell.array, atoms.get_scaled_positions(), species_labels(atoms))
    rotations = np.unique(spglib.get_symmetry(marked, symprec=0.01)["rotations"], axis=0)
    rotations = np.concatenate([rotations, -rotations])
    found = set()
    for index in product(range(-max_index, max_index + 1), repeat=3):
        if math.gcd(*index) == 1:
            found.add(frozenset(map(tuple, (index @ rotations).tolist())))
    return found


@pytest.mark.parametrize("max_index", [1, 3])
@pytest.mark.parametrize(
    "atoms",
    [
        *(pytest.param(Atoms("Cu", cell=each.tocell(), pbc=True), id=each.longname) for each in BRAVAIS),
        *(pytest.param(atoms, id=name) for name, atoms in CRYSTALS.items()),
    ],
)
def test_there_is_one_plane_of_each_family(atoms, max_index):
    expected = families(atoms, max_index)
    found = [plane.given for plane in distinct_planes(atoms, species_labels(atoms), max_index, "given")]
    assert len(found) == len(expected)
    assert all(sum(index in family for index in found) == 1 for family in expected)
    conventional = names(atoms, max_index)
    assert len(set(conventional)) == len(expected)


def test_of_sapphire_none_is_missing():
    found = names(SAPPHIRE, 2)
    assert len(found) == 17
    assert {(0, 0, 1), (1, 0, 0), (1, 1, 0), (0, 1, 2), (1, 0, 2), (1, 1, 1)} <= set(found)  # c, m, a, r, n
    assert (0, 1, -1, 2) in names(SAPPHIRE, 2, "hexagonal")


def test_on_a_cubic_lattice_the_axis_of_the_layers_is_special():
    atoms = copper_gold()
    assert len(names(atoms)) == 5
    assert {(0, 0, 1), (1, 0, 0), (1, 1, 0), (1, 0, 1)} < {*names(atoms, cell="given")}
    renamed = atoms.copy()
    renamed.set_cell(atoms.cell[[2, 0, 1]])
    assert {*names(renamed)} == {*names(atoms)}


@pytest.mark.parametrize(
    ("cells", "common"),
    [
        ([bulk("Cu"), bulk("Cu", cubic=True)], {(1, 0, 0), (1, 1, 0), (1, 1, 1)}),
        ([bulk("Fe"), bulk("Fe", cubic=True)], {(1, 0, 0), (1, 1, 0)}),
        ([bulk("Cu"), bulk("Cu") * (2, 1, 1), bulk("Cu", cubic=True) * (1, 1, 2)], {(1, 0, 0), (1, 1, 1)}),
        ([bulk("Mg"), bulk("Mg", orthorhombic=True)], {(0, 0, 1), (1, 0, 0), (1, 1, 0)}),
    ],
)
def test_indices_do_not_depend_on_the_cell(cells, common):
    for atoms in cells:
        assert common <= {*names(atoms, 2)}


@pytest.mark.parametrize("atoms", [bulk("Cu"), SAPPHIRE, bulk("Mg"), PYRITE], ids=["fcc", "sapphire", "hcp", "pyrite"])
def test_the_distance_of_the_planes_is_that_of_the_conventional_cell(atoms):
    """The length of h in the reciprocal lattice of either cell tells that both name the same family."""
    marked = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    reciprocal = np.linalg.inv(spglib.standardize_cell(marked, no_idealize=True)[0])
    for plane in distinct_planes(atoms, species_labels(atoms), 2, "conventional"):
        here, there = plane.given @ np.linalg.inv(atoms.cell.array).T, plane.index @ reciprocal.T
        ratio = np.linalg.norm(here) / np.linalg.norm(there)
        assert min(abs(ratio - other) for other in (1 / 3, 1 / 2, 1, 2, 3)) < 1e-6


@pytest.mark.parametrize("name", ["quartz", "pyrite", "zincblende", "wurtzite", "L1_0", "sapphire"])
def test_indices_name_the_same_side_of_the_same_plane_in_each_cell(name):
    """Lattices have rotations that these crystals lack: they would exchange r and z of quartz, or the ends of ZnS."""
    atoms = CRYSTALS[name]
    symmetry = point_group(atoms)
    normals = {
        tuple(plane.index): plane.normal for plane in distinct_planes(atoms, species_labels(atoms), 2, "conventional")
    }
    for matrix in (
        [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
        [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
        [[-1, 0, 0], [0, 1, 0], [1, 0, 1]],
    ):
        renamed = atoms.copy()
        renamed.set_cell(np.array(matrix) @ atoms.cell.array)
        compared = 0
        for plane in distinct_planes(renamed, species_labels(renamed), 2, "conventional"):
            if (normal := normals.get(tuple(plane.index))) is not None:
                images = symmetry @ normal / np.linalg.norm(normal)
                cosine = (images @ plane.normal).max() / np.linalg.norm(plane.normal)
                assert cosine == pytest.approx(1, abs=1e-6)
                compared += 1
        assert compared > 5


def test_moments_that_are_vectors_have_a_direction():
    atoms = bulk("Ni", cubic=True)
    del atoms.arrays["initial_magmoms"]
    atoms.set_initial_magnetic_moments([[0, 0, 1]] * 4)
    assert {*names(atoms, cell="given")} == {(1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (1, 1, 1)}


def test_four_indices():
    assert miller_bravais([1, 1, 0]) == [1, 1, -2, 0]
    assert {(0, 0, 0, 1), (1, 0, -1, 0), (1, 1, -2, 0)} < {*names(bulk("Mg"), cell="hexagonal")}
    with pytest.raises(InputError, match="space group 225"):
        names(bulk("Cu"), cell="hexagonal")


def test_an_unknown_cell_is_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'conventional'"):
        names(bulk("Cu"), cell="conventionl")
