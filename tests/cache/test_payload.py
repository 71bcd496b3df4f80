"""Results come back from their payload as they were."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixCartesian
from hypothesis import given, settings

from adatom.cache.payload import from_payload, to_payload
from adatom.utils.plain import NotPlainError
from tests.utils.test_plain import ARRAYS, NUMBERS, VALUES, types


def there_and_back(value):
    return from_payload(to_payload(value))


@given(VALUES)
@settings(max_examples=300)
def test_values_come_back_with_their_types(value):
    again = there_and_back(value)
    assert again == value
    assert types(again) == types(value)


@given(ARRAYS)
@settings(max_examples=100)
def test_arrays_come_back(array):
    again = there_and_back([array, {"x": array}])[1]["x"]
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(again, array)
    assert again.flags.writeable


def test_a_large_array_is_compressed():
    array = np.zeros((1000, 3))
    data = to_payload({"forces": array})
    assert len(data) < array.nbytes / 10
    np.testing.assert_array_equal(from_payload(data)["forces"], array)


def test_numbers_of_numpy_keep_their_type():
    assert [(type(item), item) for item in there_and_back(NUMBERS)] == [(type(item), item) for item in NUMBERS]


def test_structures_come_back_without_calculators():
    atoms = bulk("NaCl", "rocksalt", a=5.6) * (2, 1, 1)
    atoms.rattle(0.1)
    atoms.set_constraint([FixAtoms([0, 2]), FixCartesian(1, [True, False, True])])
    atoms.set_initial_magnetic_moments([1, 2, 3, 4])
    atoms.set_velocities(np.ones((4, 3)))
    atoms.info = {"miller_index": (1, 0, 0), "nested": {"a": np.arange(3)}}
    atoms.calc = EMT()
    again = there_and_back({"atoms": [atoms]})["atoms"][0]
    assert again.calc is None
    assert type(again) is Atoms
    assert again == atoms
    assert set(again.arrays) == set(atoms.arrays)
    for name, array in atoms.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
        assert again.arrays[name].dtype == array.dtype
    assert [c.todict() for c in again.constraints] == [c.todict() for c in atoms.constraints]
    assert again.info["miller_index"] == (1, 0, 0)
    np.testing.assert_array_equal(again.info["nested"]["a"], np.arange(3))
    assert again.positions is not atoms.positions


@pytest.mark.parametrize("value", [object(), [lambda: 0], {"x": np.array([object()])}, EMT()])
def test_what_is_more_than_data_is_refused(value):
    with pytest.raises(NotPlainError):
        to_payload(value)
