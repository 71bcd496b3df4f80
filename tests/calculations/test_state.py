import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.cell import Cell
from ase.optimize import BFGS

from adatom.calculations.state import restore, snapshot


class Thing:
    def __init__(self, **values):
        vars(self).update(values)


def travelled(thing, to):
    tree, arrays, missing = snapshot({"thing": thing})
    restore({"thing": to}, json.loads(json.dumps(tree)), [np.array(array) for array in arrays])
    return to, missing


def test_plain_values_come_back_as_they_were():
    values = {
        "none": None,
        "flag": True,
        "number": 0.1 + 0.2,
        "large": 2**100,
        "text": "Å",
        "infinite": float("-inf"),
        "scalar": np.float64(0.3),
        "truth": np.bool_(True),
        "list": [1, (2.5, None), {"a": [np.arange(3)]}],
        "empty": [],
        "matrix": np.array([[1, 2], [3, 4j]]),
    }
    back, missing = travelled(Thing(**values), Thing(number=0))
    assert missing == []
    assert vars(back).keys() == values.keys()
    for name, value in values.items():
        assert type(getattr(back, name)) is type(value), name
        assert repr(getattr(back, name)) == repr(value)


def test_an_array_that_two_share_is_still_one():
    array = np.zeros(3)
    back, _ = travelled(Thing(first=array, second=[array], third=np.zeros(3)), Thing())
    assert back.first is back.second[0]
    assert back.first is not back.third


def test_a_random_generator_goes_on_where_others_hold_it_too():
    for kind in (np.random.PCG64, np.random.MT19937):
        drawn, fresh = np.random.Generator(kind(1)), np.random.Generator(kind(1))
        drawn.normal(size=5)
        travelled(Thing(rng=drawn), Thing(rng=fresh))
        assert fresh.normal() == drawn.normal()


def test_an_object_of_ase_is_changed_in_place_or_made():
    cell = Cell(np.eye(3))
    present = Thing(cell=cell)
    travelled(Thing(cell=Cell(2 * np.eye(3))), present)
    assert present.cell is cell
    assert cell.volume == pytest.approx(8)
    made, _ = travelled(Thing(cell=Cell(2 * np.eye(3))), Thing(cell=None))
    assert made.cell.volume == pytest.approx(8)


def test_what_ties_an_optimizer_to_its_run_is_left_out():
    atoms = Atoms("Cu2", [[0, 0, 0], [2.3, 0, 0]], calculator=EMT())
    optimizer = BFGS(atoms, logfile=None)
    optimizer.run(steps=2)
    tree, _, missing = snapshot({"dynamics": optimizer})
    assert missing == []
    assert {"nsteps", "state", "pos0", "forces0"} <= tree["dynamics"].keys()
    assert not {"atoms", "optimizable", "observers", "logfile", "comm"} & tree["dynamics"].keys()


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array([None]), {"a"}, np.random, b"bytes", [object()]])
def test_what_is_no_plain_data_is_named(value):
    back, missing = travelled(Thing(odd=value, even=2), Thing(odd="as made"))
    assert missing == ["thing.odd"]
    assert (back.odd, back.even) == ("as made", 2)


def test_no_other_class_is_made_from_a_file():
    tree = {"thing": {"odd": {"object": "subprocess:Popen", "fields": {}}}}
    with pytest.raises(ValueError, match="subprocess:Popen"):
        restore({"thing": Thing(odd=None)}, tree, [])
