"""Molecules from SMILES."""

import numpy as np
import pytest
from ase.data import covalent_radii
from ase.io import read

from adatom.atoms.smiles import from_smiles
from adatom.configs import map as map_structures
from adatom.errors import InputError
from tests.codes import needs_code

pytestmark = needs_code("smiles")


@pytest.mark.parametrize(
    ("smiles", "formula"),
    [
        ("C", "CH4"),
        ("CCO", "C2H6O"),
        ("C1CC1", "C3H6"),
        ("[H][H]", "H2"),
        ("OC(=O)c1ccccc1", "C7H6O2"),
    ],
)
def test_bonds_have_ordinary_lengths(smiles, formula):
    atoms = from_smiles(smiles)
    assert atoms.get_chemical_formula() == formula
    assert atoms.info == {"smiles": smiles, "config_type": "smiles"}
    distances = atoms.get_all_distances()
    radii = covalent_radii[atoms.numbers]
    parts = distances / (radii[:, None] + radii)
    np.fill_diagonal(parts, np.inf)
    nearest = parts.min(axis=1)
    assert 0.8 < nearest.min() <= nearest.max() < 1.25
    assert not atoms.pbc.any()


def test_charges_and_unpaired_electrons():
    ammonium, radical = from_smiles("[NH4+]"), from_smiles("[CH3]")
    assert ammonium.get_initial_charges().tolist() == [1, 0, 0, 0, 0]
    assert radical.get_initial_magnetic_moments().tolist() == [1, 0, 0, 0]
    assert not from_smiles("C").has("initial_charges")


def test_each_molecule_has_random_numbers_of_its_own(tmp_path):
    butanes = map_structures(from_smiles, ["CCCC"] * 3, tmp_path / "butanes.xyz", seed=1)
    first, second, third = read(tmp_path / "butanes.xyz", ":")
    assert not np.allclose(first.positions, second.positions)
    assert not np.allclose(second.positions, third.positions)
    alone = map_structures(from_smiles, ["CCCC"], seed=1)
    np.testing.assert_allclose(alone[0].positions, butanes[0].positions, atol=1e-7)
    assert np.array_equal(from_smiles("CCCC").positions, from_smiles("CCCC").positions)


@pytest.mark.parametrize(
    ("smiles", "said"),
    [
        ("xx", "'xx' is no SMILES"),
        ("", "'' is no"),
        (7, "7 is no"),
        ("*C", r"Atom 0 of '\*C'"),
        ("O.O", "'O.O' is 2 molecules"),
    ],
)
def test_what_is_no_molecule_is_refused(smiles, said, capfd):
    with pytest.raises(InputError, match=said):
        from_smiles(smiles)
    assert capfd.readouterr().err == ""
