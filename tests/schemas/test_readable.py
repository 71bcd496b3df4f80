from pathlib import Path

import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.cell import Cell
from ase.io.jsonio import encode

from adatom.schemas.readable import readable


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        ((1, (2.0, "a")), [1, [2.0, "a"]]),
        ({1: {"b": {3, 2}}}, {"1": {"b": [2, 3]}}),
        (Path("a/b"), "a/b"),
        (EMT, "ase.calculators.emt.EMT"),
        (slice(1), "slice(None, 1, None)"),
    ],
)
def test_values(value, expected):
    assert readable(value) == expected
    assert type(readable(value)) is type(expected)
    encode(readable(value))


def test_arrays_and_objects_of_ase():
    array = np.arange(3.0)
    copy = readable({"a": array})["a"]
    array[0] = 9
    assert copy.tolist() == [0, 1, 2]
    assert readable(Cell(np.eye(3)))["array"].tolist() == np.eye(3).tolist()
