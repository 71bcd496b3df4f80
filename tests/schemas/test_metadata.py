import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.collections import g2

from adatom.calculations import run_static
from adatom.schemas.metadata import document, metadata
from adatom.schemas.save import load_results, save_results


def test_a_crystal():
    fields = metadata(bulk("NaCl", "rocksalt", 5.6, cubic=True))
    assert fields["formula_pretty"] == "NaCl"
    assert fields["nsites"] == 8
    assert fields["symmetry"]["number"] == 225
    assert fields["volume"] == pytest.approx(5.6**3)
    assert fields["density"] == pytest.approx(2.21, abs=0.01)


def test_a_molecule():
    fields = metadata(molecule("H2O"))
    assert fields["formula_alphabetical"] == "H2 O1"
    assert fields["natoms"] == 3
    assert fields["symmetry"]["point_group"] == "C2v"


def test_every_molecule_of_g2():
    for name in g2.names:
        fields = metadata(g2[name])
        assert fields["symmetry"]["rotation_number"] >= 1, name
        assert (fields["spin_multiplicity"] + fields["nelectrons"]) % 2, name


def test_ions_and_spin():
    hydroxide = Atoms("OH", positions=[[0, 0, 0], [0, 0, 0.97]], charges=[-1, 0])
    fields = metadata(hydroxide)
    assert (fields["charge"], fields["nelectrons"], fields["spin_multiplicity"]) == (-1, 10, 1)
    fields = metadata(molecule("O2"), {"magmom": 2.0}, {"charge": 0})
    assert (fields["charge"], fields["spin_multiplicity"]) == (0, 3)
    assert metadata(molecule("NH3"), settings={"charge": 1})["spin_multiplicity"] == 2


def test_a_slab_without_a_third_cell_vector():
    assert metadata(fcc111("Cu", (1, 1, 3)))["nsites"] == 3


@pytest.mark.parametrize(("atoms", "key"), [(bulk("Cu"), "structure_metadata"), (molecule("N2"), "molecule_metadata")])
def test_a_document_is_a_result_with_metadata_and_can_be_saved(atoms, key, tmp_path):
    result = run_static(atoms, EMT())
    saved = document(result)
    assert set(saved) - set(result) == {key}
    assert saved[key] == metadata(atoms)
    assert load_results(save_results(saved, tmp_path / "out.json"))[key] == saved[key]
