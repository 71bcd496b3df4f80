"""Values come back from their plain form as they were."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixCartesian
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from adatom.cache.form import NotPlainError, from_plain, to_plain

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=9)
    | st.complex_numbers(allow_nan=False)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.tuples(st.integers()), inner, max_size=3)
        | st.just({"!": ["array", 1]})
        | st.frozensets(st.integers(), max_size=3)
        | st.sets(st.text(max_size=2), max_size=3)
    ),
    max_leaves=12,
)
arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_, np.complex128, "<U3", ">f8"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)


def there_and_back(value):
    return from_plain(to_plain(value))


def types(value):
    if isinstance(value, dict):
        return dict, [(types(key), types(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [types(item) for item in value]
    return type(value)


@given(values)
@settings(max_examples=300, deadline=None)
def test_values_come_back_with_their_types(value):
    again = there_and_back(value)
    assert again == value
    assert types(again) == types(value)


@given(arrays)
@settings(max_examples=100, deadline=None)
def test_arrays_come_back(array):
    again = there_and_back([array, {"x": array}])[1]["x"]
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(again, array)
    assert again.flags.writeable


def test_a_large_array_is_compressed():
    array = np.zeros((1000, 3))
    data = to_plain({"forces": array})
    assert len(data) < array.nbytes / 10
    np.testing.assert_array_equal(from_plain(data)["forces"], array)


def test_numbers_of_numpy_keep_their_type():
    value = [np.float32(0.1), np.int64(3), np.bool_(True), np.str_("x")]
    assert [(type(item), item) for item in there_and_back(value)] == [(type(item), item) for item in value]


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
        to_plain(value)
