from ase import Atoms

from adatom.atoms.serialization import relabel


def test_a_stored_result_has_the_labels_of_the_structure_that_it_is_used_for():
    stored = Atoms("H", info={"name": "old", "site": 1})
    relaxed = Atoms("H", info={"name": "old", "steps": 3})
    given = Atoms("H", info={"name": "new"})
    found = relabel({"input_atoms": stored, "atoms": relaxed}, {"atoms": given}, ())
    assert found["input_atoms"].info == {"name": "new"}
    assert found["atoms"].info == {"name": "new", "steps": 3}


def test_a_result_without_a_structure_under_that_name_stays_as_it_is():
    for result in ({"input_atoms": "a file"}, {"atoms": Atoms("H", info={"a": 1})}, 3.5):
        assert relabel(result, {"atoms": Atoms("H")}, ()) is result
