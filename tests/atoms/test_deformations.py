import numpy as np
import pytest
from ase.build import bulk, molecule

from adatom.atoms.deformations import deformation, independent_strains, make_strains, strain_crystal
from adatom.atoms.symmetry import point_group
from adatom.errors import InputError


def test_the_cell_has_the_strain_that_was_asked_for():
    crystal = bulk("ZnS", "zincblende", a=5.41)
    crystal.rattle(0.1, seed=1)
    strains = make_strains([0.02], [-0.03])
    assert list(strains) == ["xx+0.02", "yy+0.02", "zz+0.02", "yz-0.03", "xz-0.03", "xy-0.03"]
    for (name, strain), structure in zip(strains.items(), strain_crystal(crystal, strains), strict=True):
        gradient = np.linalg.solve(crystal.cell.array, structure.cell.array).T
        np.testing.assert_allclose((gradient.T @ gradient - np.eye(3)) / 2, strain, atol=1e-12)
        np.testing.assert_allclose(gradient, gradient.T, atol=1e-12)  # strained, and not turned
        np.testing.assert_allclose(structure.positions, crystal.positions @ gradient.T, atol=1e-12)
        assert structure.info["strain"] == name
    assert crystal.info == {}


def test_no_strain_is_no_deformation():
    np.testing.assert_allclose(deformation(np.zeros((3, 3))), np.eye(3))


TURNED = bulk("Cu")
TURNED.rotate(37, (1, 2, 3), rotate_cell=True)


@pytest.mark.parametrize(
    ("crystal", "expected"),
    [
        # shears of either sign are alike in a cubic crystal, and so are xx, yy and zz
        (bulk("Cu"), ["xx-0.01", "xx+0.01", "yz-0.01"]),
        # all directions in the plane are made of x, though no symmetry brings x to y
        (bulk("Zn"), ["xx-0.01", "xx+0.01", "zz-0.01", "zz+0.01", "yz-0.01"]),
        # no axis is along a symmetry: its images are in all directions
        (TURNED, ["xx-0.01", "xx+0.01"]),
    ],
)
def test_what_symmetry_makes_of_others_is_left_out(crystal, expected):
    assert list(independent_strains(make_strains([-0.01, 0.01], [-0.01, 0.01]), point_group(crystal))) == expected


def test_a_crystal_that_is_turned_a_little_keeps_its_shears():
    crystal = bulk("Cu")
    crystal.rotate(1, (1, 2, 3), rotate_cell=True)
    kept = independent_strains(make_strains([0.01], [0.01]), point_group(crystal))
    assert {name[:2] for name in kept} == {"xx", "yz"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([], [0.01]), "norm_strains is \\[\\]"),
        (("0.01", [0.01]), "norm_strains is '0.01'"),
        (([0.01], [0.01, 0.0]), "shear_strains has 0.0"),
        (([0.01], [0.5]), "shear_strains has 0.5"),
        (([float("nan")], [0.01]), "norm_strains has nan"),
    ],
)
def test_bad_strains(arguments, said):
    with pytest.raises(InputError, match=said):
        make_strains(*arguments)


def test_a_molecule_is_refused():
    with pytest.raises(InputError, match="periodic in three directions"):
        strain_crystal(molecule("H2O"), {})
