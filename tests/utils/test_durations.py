"""Durations as they are typed and as schedulers read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.utils.durations import clock, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5h", 5400),
        ("90 m", 5400),
        ("2d", 172800),
        ("1w", 604800),
        ("00:01:30", 90),
        ("1-02:03:04", 93784),
    ],
)
def test_what_is_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1x", "1:2", "00:99:00", "-1", "1h30m", "inf", "nan"])
def test_what_is_none(text):
    with pytest.raises(ValueError, match="Give seconds"):
        parse_duration(text)


@given(st.floats(0, 10**8))
def test_a_clock_never_says_less(seconds):
    assert seconds <= parse_duration(clock(seconds)) <= seconds + 1
