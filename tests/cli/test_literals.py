import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.cli.literals import parse_value, split_commas
from adatom.errors import InputError

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
words = st.from_regex(r"[A-Z][A-Za-z0-9_.+-]*", fullmatch=True).filter(
    lambda text: text not in {"True", "False", "None"}
)


@given(values)
def test_what_python_writes_is_read(value):
    assert parse_value(repr(value)) == value


@given(values)
def test_what_json_writes_is_read(value):
    assert parse_value(json.dumps(value)) == value


@given(words)
def test_words_are_strings(text):
    assert parse_value(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("1e-3", 1e-3),
        ("{a = 1, b.c = true}", {"a": 1, "b": {"c": True}}),
        ("[true, 2]", [True, 2]),
        ("(1, 2)", (1, 2)),
        ("'1'", "1"),
        ("2024-01-02", "2024-01-02"),
        ("some/file.xyz", "some/file.xyz"),
        (" 3 ", 3),
        ("", ""),
    ],
)
def test_each_form_of_a_value(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@pytest.mark.parametrize("text", ["[1, 2", "{a: 1", "'open", "(1", "[" * 5000])
def test_what_only_looks_like_a_value_is_refused(text):
    with pytest.raises(InputError, match="Cannot read the value"):
        parse_value(text)


@given(st.lists(st.lists(st.integers() | st.text("ab,'\"()[]", max_size=4)).map(json.dumps) | words, min_size=1))
def test_commas_within_brackets_and_quotes_part_nothing(parts):
    # JSON escapes a quote, which these words need not know
    parts = [part.replace('\\"', "") for part in parts]
    assert split_commas(",".join(parts)) == parts
