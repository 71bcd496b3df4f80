"""Values come back from data for JSON as they were."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from adatom.errors import InputError
from adatom.utils.plain import NotPlainError, from_plain, to_plain

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=9)
    | st.complex_numbers(allow_nan=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.tuples(st.integers()), inner, max_size=3)
        | st.sampled_from([{"!array": [1]}, {"!": 1}, {"!tuple": [], "a": 1}])
        | st.frozensets(st.integers(), max_size=3)
        | st.sets(st.text(max_size=2), max_size=3)
    ),
    max_leaves=12,
)
ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_, np.complex128, "<U3", ">f8", "M8[ns]"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
NUMBERS = [np.float32(0.1), np.int64(3), np.bool_(True), np.str_("x"), np.str_(""), np.datetime64("2026-11-29")]


def types(value):
    if isinstance(value, dict):
        return dict, [(types(key), types(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [types(item) for item in value]
    return type(value)


def through_json(value):
    return from_plain(json.loads(json.dumps(to_plain(value))))


@given(VALUES)
@settings(max_examples=300)
def test_values_come_back_with_their_types(value):
    again = through_json(value)
    assert again == value
    assert types(again) == types(value)


@given(ARRAYS)
@settings(max_examples=100)
def test_arrays_come_back(array):
    again = through_json([array, {"x": array}])[1]["x"]
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(again, array)
    assert again.flags.writeable


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_numpy_keep_their_type(number):
    again = through_json({"x": number})["x"]
    assert (type(again), again) == (type(number), number)


def test_arrays_of_objects_come_back():
    array = np.empty((2, 2), object)
    array[0, 0], array[0, 1], array[1, 0] = [1, 2], [3, 4], {"a": (1, None)}
    assert through_json(array).tolist() == array.tolist()
    assert through_json(array).shape == (2, 2)
    nested = np.empty(2, object)
    nested[0] = nested[1] = np.arange(3)
    for inner in through_json(nested):
        np.testing.assert_array_equal(inner, np.arange(3))


@pytest.mark.parametrize(
    "value",
    [
        object(),
        [lambda: 0],
        {"x": np.array([object()])},
        np.ma.array([1], mask=[True]),
        np.zeros(1, [("a", int)]),
        np.void(b"x"),
    ],
)
def test_what_is_more_than_data_is_refused(value):
    with pytest.raises(NotPlainError, match="cannot be stored. Valid: numbers, strings"):
        to_plain(value)


def test_an_error_names_the_innermost_value():
    with pytest.raises(InputError, match="^slice.* cannot be stored"):
        to_plain({"a": [1, (slice(1),)]})
