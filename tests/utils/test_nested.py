"""Items are found and replaced wherever they stand; all else is left alone."""

import re
from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.utils.nested import collect, substitute


class Old(NamedTuple):
    """What is to be replaced: also a tuple, so that it must be recognised before its parts are looked at."""

    number: int


@dataclass(frozen=True)
class New:
    number: int


class Pair(NamedTuple):
    left: Any
    right: Any = None


@dataclass
class Box:
    content: Any
    label: str = ""


@dataclass(frozen=True, slots=True)
class FrozenBox:
    content: Any


def inner(children):
    return st.one_of(
        st.lists(children, max_size=3),
        st.lists(children, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=3) | st.integers(), children, max_size=3),
        st.builds(Pair, children, children),
        st.builds(Box, children),
        st.builds(FrozenBox, children),
    )


PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.binary(max_size=3)
)
OLD = st.builds(Old, st.integers())
SETS = st.frozensets(PLAIN | OLD, max_size=3) | st.sets(OLD, max_size=3)
plain_values = st.recursive(PLAIN, inner, max_leaves=20)
values = st.recursive(PLAIN | OLD | SETS, inner, max_leaves=20)
ordered_values = st.recursive(PLAIN | OLD, inner, max_leaves=20)


def to_new(old):
    return New(old.number)


def to_old(new):
    return Old(new.number)


@given(plain_values)
def test_what_holds_no_item_is_the_very_same_object(value):
    assert substitute(value, Old, to_new) is value
    assert collect(value, Old) == []


@given(values)
def test_items_that_stay_leave_the_very_same_object(value):
    assert substitute(value, Old, lambda item: item) is value


@given(values)
def test_items_go_and_come_back_and_the_shape_is_kept(value):
    changed = substitute(value, Old, to_new)
    assert collect(changed, Old) == []
    assert substitute(changed, New, to_old) == value


@given(values)
def test_the_value_given_is_not_changed(value):
    before = repr(value)
    substitute(value, Old, to_new)
    assert repr(value) == before


@given(ordered_values)
def test_items_are_collected_in_order(value):
    found = collect(value, Old)
    numbers = iter(range(len(found)))
    numbered = substitute(value, Old, lambda item: New(next(numbers)))
    assert [int(number) for number in re.findall(r"New\(number=(\d+)\)", repr(numbered))] == list(range(len(found)))


@given(st.lists(plain_values, min_size=1, max_size=4))
def test_the_neighbours_of_an_item_are_the_very_same_objects(neighbours):
    for make in (list, tuple, lambda items: Pair(*items[:1], items), lambda items: {"x": items}):
        changed = substitute(make([neighbours, Old(1)]), Old, to_new)
        assert collect(changed, New) == [New(1)]
        assert substitute(changed, New, to_old) == make([neighbours, Old(1)])
    assert substitute([neighbours, Old(1)], Old, to_new)[0] is neighbours
    assert substitute(Box((neighbours, Old(1))), Old, to_new).content[0] is neighbours


def test_several_types_at_once():
    assert collect([1, Old(1), {"x": New(2)}], (Old, New)) == [Old(1), New(2)]


def test_dictionaries_keep_their_order_and_their_keys():
    changed = substitute({"z": 1, Old(3): Old(1), "a": Old(2)}, Old, to_new)
    assert list(changed.items()) == [("z", 1), (Old(3), New(1)), ("a", New(2))]


@pytest.mark.parametrize("kind", [set, frozenset])
def test_sets_stay_sets(kind):
    changed = substitute(kind({1, Old(2)}), Old, to_new)
    assert changed == {1, New(2)}
    assert type(changed) is kind


def test_named_tuples_stay_what_they_are():
    many = namedtuple("Many", [f"f{i}" for i in range(30)])
    changed = substitute(many(*range(29), Old(1)), Old, to_new)
    assert type(changed) is many
    assert changed.f29 == New(1)


def test_dataclasses_stay_what_they_are_and_compute_again_what_they_compute():
    @dataclass(frozen=True)
    class Computing:
        items: list
        size: int = field(init=False)

        def __post_init__(self):
            object.__setattr__(self, "size", len(self.items))

    before = Computing([Old(1), 2])
    after = substitute(before, Old, to_new)
    assert after == Computing([New(1), 2])
    assert (after.size, type(after)) == (2, Computing)
    assert before.items == [Old(1), 2]


def test_a_class_is_no_value_to_look_into():
    assert substitute([Box, Pair, int], Old, to_new) == [Box, Pair, int]


def test_arrays_and_objects_are_not_looked_into():
    array, thing = np.arange(3), object()
    changed = substitute([array, thing, range(3), Old(1)], Old, to_new)
    assert changed[0] is array
    assert changed[1] is thing
    assert changed[3] == New(1)


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"x": v}, lambda v: (v,), Box, Pair])
def test_depth(wrap):
    value = Old(1)
    for _ in range(200):
        value = wrap(value)
    changed = substitute(value, Old, to_new)
    assert collect(changed, New) == [New(1)]
    assert substitute(changed, New, to_old) == value
