import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.constraints import FixAtoms, FixedMode, FixSymmetry

from adatom.atoms.defects import make_defects
from adatom.errors import InputError, UnknownNameError

SALT = bulk("NaCl", "rocksalt", a=5.64)


def made(crystal, **kwargs):
    return make_defects(crystal, crystal * (3, 3, 3), **kwargs)


def test_vacancies_are_there_once_for_each_kind_of_site():
    one, two = made(SALT)
    assert [one.info["defect"], two.info["defect"]] == ["v_Na", "v_Cl"]
    for structure, formula in ((one, "Cl27Na26"), (two, "Cl26Na27")):
        assert structure.get_chemical_formula() == formula
    assert [structure.info["defect"] for structure in made(SALT, vacancies=["Cl"])] == ["v_Cl"]
    # of a conventional cell the same: its eight sites are of two kinds
    assert len(made(bulk("NaCl", "rocksalt", a=5.64, cubic=True))) == 2


def test_all_other_atoms_stay_where_they_are():
    supercell = SALT * (3, 3, 3)
    for structure in make_defects(SALT, supercell, substitutions={"Na": ["K", "Li"]}, interstitials=["Na"]):
        kept = [
            atom
            for atom in supercell
            if np.any(
                (np.abs(structure.positions - atom.position).max(axis=1) < 1e-9) & (structure.numbers == atom.number)
            )
        ]
        assert len(kept) == len(supercell) - (not structure.info["defect"].endswith("_i"))
        np.testing.assert_array_equal(structure.cell, supercell.cell)
    assert supercell == SALT * (3, 3, 3)
    assert supercell.info == {}


def test_substitutions():
    structures = made(SALT, vacancies=(), substitutions={"Na": ["K", "Li"], "Cl": "F"})
    assert sorted(structure.info["defect"] for structure in structures) == ["F_Cl", "K_Na", "Li_Na"]
    for structure in structures:
        new, old = structure.info["defect"].split("_")
        assert structure.symbols.count(new) == 1
        assert structure.symbols.count(old) == 26


def test_interstitials_are_in_the_holes_of_copper():
    found = made(bulk("Cu", cubic=True), vacancies=(), interstitials=["H"])
    assert {structure.info["defect"] for structure in found} == {"H_i"}
    assert [structure.info["defect_index"] for structure in found] == [0, 1]
    nearest = sorted(np.sort(structure.get_distances(-1, range(108), mic=True))[0] for structure in found)
    assert nearest == pytest.approx([3.61 * 3**0.5 / 4, 3.61 / 2])  # the tetrahedron and the octahedron
    assert all(structure.symbols[-1] == "H" for structure in found)


@pytest.mark.parametrize("shift", [-1e-12, 1e-12, -5.0])
def test_where_the_cell_begins_does_not_matter(shift):
    crystal = bulk("Cu")
    crystal.positions += shift
    found = made(crystal, vacancies=(), interstitials=["Cu"])
    nearest = sorted(np.sort(structure.get_distances(-1, range(27), mic=True))[0] for structure in found)
    assert nearest == pytest.approx([3.61 * 3**0.5 / 4, 3.61 / 2])


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"vacancies": ["Cu"]}, UnknownNameError, "element of the crystal 'Cu'. Valid: Cl, Na"),
        ({"vacancies": "Na"}, InputError, r"Elements are 'Na'. Give a list, such as \['Na'\]"),
        ({"substitutions": {"K": "Na"}}, UnknownNameError, "element of the crystal 'K'"),
        ({"substitutions": {"Na": "Xx"}}, UnknownNameError, "element 'Xx'"),
        ({"interstitials": ["na"]}, UnknownNameError, "Did you mean 'Na'"),
        ({"vacancies": []}, InputError, "No defect is asked for"),
    ],
)
def test_bad_input(arguments, error, said):
    with pytest.raises(error, match=said):
        made(SALT, **arguments)


def test_what_is_no_crystal_or_another_one():
    with pytest.raises(InputError, match="periodic in three directions"):
        make_defects(molecule("H2O"), SALT)
    with pytest.raises(InputError, match="has no atom at"):
        turned = SALT * (3, 3, 3)
        turned.rotate(20, "z", rotate_cell=True)
        turned.positions += 0.3
        make_defects(SALT, turned)


def test_atoms_of_one_element_that_differ_in_moment_or_mass_are_sites_of_two_kinds():
    iron = bulk("Fe", cubic=True)
    assert len(made(iron)) == 1
    for different in ({"magmoms": [2.2, -2.2]}, {"masses": [55.0, 57.0]}):
        crystal = iron.copy()
        (name,) = different
        (crystal.set_masses if name == "masses" else crystal.set_initial_magnetic_moments)(different[name])
        assert [structure.info["defect_index"] for structure in made(crystal)] == [0, 1]


def test_a_new_atom_has_nothing_of_the_old_one():
    iron = bulk("Fe", cubic=True)
    iron.set_masses([57.0] * 2)
    iron.set_initial_magnetic_moments([2.2] * 2)
    iron.set_momenta(np.ones((2, 3)))
    [structure] = made(iron, vacancies=(), substitutions={"Fe": "Co"})
    [new] = np.flatnonzero(structure.symbols == "Co")
    assert structure.get_masses()[new] == pytest.approx(58.933, abs=1e-3)
    assert structure.get_initial_magnetic_moments()[new] == 0
    assert not structure.get_momenta()[new].any()
    assert structure.get_initial_magnetic_moments().sum() == pytest.approx(2.2 * 53)


def test_a_defect_has_no_symmetry_of_the_crystal():
    supercell = bulk("Cu", cubic=True) * (2, 2, 2)
    supercell.set_constraint([FixSymmetry(supercell), FixAtoms([0, 5])])
    [structure] = make_defects(bulk("Cu"), supercell)
    [kept] = structure.constraints
    assert isinstance(kept, FixAtoms)
    assert len(supercell.constraints) == 2
    supercell.set_constraint(FixedMode(np.ones((32, 3))))
    with pytest.raises(InputError, match="FixedMode, which does not hold when an atom is taken away"):
        make_defects(bulk("Cu"), supercell)
