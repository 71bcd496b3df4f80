import numpy as np
import pytest
from ase.build import bulk
from ase.constraints import FixAtoms

from adatom.schemas.tables import results_table

ONE = {"name": "relax", "results": {"energy": -1.0}, "dir_name": "/runs/one"}
TWO = {"results": [], "dir_name": "/runs/two", "steps": 3}


def test_each_result_is_a_row():
    rows = results_table({"a": [ONE, (TWO,)], "b": 5, "c": None})
    assert [(row["result"], row["directory"]) for row in rows] == [("a[0]", "/runs/one"), ("a[1][0]", "/runs/two")]
    assert rows[0]["energy"] == -1.0
    assert rows[1]["energy"] is rows[1]["name"] is rows[1]["formula"] is rows[1]["max_force"] is None


def test_a_result_in_two_places_is_one_row():
    assert [row["result"] for row in results_table({"bulk": ONE, "again": [ONE, TWO]})] == ["bulk", "again[1]"]


def test_the_largest_force_is_that_of_the_atoms_that_can_move():
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.set_constraint(FixAtoms([0]))
    forces = np.array([[9.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    (row,) = results_table(ONE | {"atoms": atoms, "results": {"forces": forces}})
    assert (row["formula"], row["max_force"]) == ("Cu2", pytest.approx(5.0))
    assert forces[0, 0] == 9.0
