import pytest
import typer

from adatom.cli.quantities import parse_age, parse_size, show_count, show_seconds, show_size


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("90m", 5400), ("2h", 7200), ("3d", 259200), ("2w", 1209600), (" 1.5 H ", 5400)]
)
def test_ages(text, seconds):
    assert parse_age(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("7B", 7), ("2kB", 2000), ("500MB", 5e8), ("5GB", 5e9), ("0.5tb", 5e11)])
def test_sizes(text, size):
    assert parse_size(text) == size
    assert isinstance(parse_size(text), int)


@pytest.mark.parametrize("text", ["", "3", "d", "3 days", "-1d", "1e3s", "5GB", "infd", "1.2.3h"])
def test_what_is_no_age(text):
    with pytest.raises(typer.BadParameter, match="is no age: a number and s, m, h, d or w, such as 90m") as caught:
        parse_age(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["", "5", "5G", "GB", "5 days", "-5GB"])
def test_what_is_no_size(text):
    with pytest.raises(typer.BadParameter, match="is no size: a number and B, kB, MB, GB or TB"):
        parse_size(text)


def test_shown():
    assert [show_seconds(seconds) for seconds in (-1, 0.012, 59.5, 60, 3725, 90000)] == [
        "0.00 s", "0.01 s", "59.50 s", "0:01:00", "1:02:05", "25:00:00",
    ]  # fmt: skip
    assert [show_size(size) for size in (0, 999, 1000, 123456, 5 * 10**9)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "123.5 kB",
        "5.0 GB",
    ]
    assert [show_count(count, "job", "jobs") for count in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]
