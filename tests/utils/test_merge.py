import json
from copy import deepcopy

import pytest

import adatom
from adatom.utils.merge import Remove, layered, merge

DEFAULTS = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "f": [1, 2]}


@pytest.mark.parametrize(
    ("user", "merged"),
    [
        (None, DEFAULTS),
        ({}, DEFAULTS),
        ({"a": 5}, {**DEFAULTS, "a": 5}),
        ({"b": {"d": {"e": 4, "g": 5}}}, {**DEFAULTS, "b": {"c": 2, "d": {"e": 4, "g": 5}}}),
        ({"f": [3]}, {**DEFAULTS, "f": [3]}),
        ({"a": Remove, "b": {"d": Remove}}, {"b": {"c": 2}, "f": [1, 2]}),
        ({"b": Remove, "new": Remove}, {"a": 1, "f": [1, 2]}),
        ({"b": 7}, {**DEFAULTS, "b": 7}),
        ({"a": {"x": 1, "y": Remove}}, {**DEFAULTS, "a": {"x": 1}}),
        ({"a": None}, {**DEFAULTS, "a": None}),
    ],
)
def test_the_users_value_wins_at_every_depth(user, merged):
    before = json.dumps(DEFAULTS)
    assert merge(DEFAULTS, user) == merged
    assert json.dumps(DEFAULTS) == before


def test_nothing_is_shared_with_the_defaults():
    merge(DEFAULTS, {})["b"]["d"]["e"] = 9
    assert DEFAULTS["b"]["d"]["e"] == 3


def test_a_removed_key_can_come_back_in_a_later_layer():
    assert merge({"a": {"x": 1}}, {"a": Remove}, {"a": {"y": 2}}) == {"a": {"y": 2}}


def test_remove_can_be_written_in_json():
    assert adatom.Remove is Remove
    assert merge({"a": 1}, json.loads('{"a": "Remove"}')) == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pbe": True, "b3lyp": Remove, "SlowConv": False}, ["def2-SVP", "pbe"]),
        ({"B3LYP": True}, ["def2-SVP", "SlowConv", "B3LYP"]),
        ({"none": Remove}, ["B3LYP", "def2-SVP", "SlowConv"]),
        (["HF"], ["HF"]),
        ({"x": 1}, {"x": 1}),
    ],
)
def test_words_of_a_list_are_added_and_removed(changes, words):
    below, above = {"kw": {"words": ["B3LYP", "def2-SVP", "SlowConv"]}}, {"kw": {"words": changes}}
    assert merge(below, above) == {"kw": {"words": words}}
    assert layered(below, above) == {"kw": {"words": words}}


@pytest.mark.parametrize(
    ("below", "above", "laid"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"kw": {"a": {"x": 1}}}, {"kw": {"b": 2, "a": {"y": 2}}}, {"kw": {"a": {"x": 1, "y": 2}, "b": 2}}),
        ({"kw": {"a": 1}}, {"kw": None}, {"kw": None}),
        ({"kw": None}, {"kw": {"a": 1}}, {"kw": {"a": 1}}),
        ({"kw": {"a": 1}}, {"kw": Remove}, {}),
        ({"kw": {"a": 1}}, {"kw": {"a": Remove}}, {"kw": {"a": Remove}}),
    ],
)
def test_arguments_are_laid_over_others(below, above, laid):
    before = deepcopy(below), deepcopy(above)
    assert layered(below, above) == laid
    assert (below, above) == before
