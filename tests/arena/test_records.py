"""Files of records, and two of them side by side."""

import json

import pytest

from adatom.arena.comparison import compare
from adatom.arena.elements import elements_of
from adatom.arena.records import FORMAT, load_records, save_record
from adatom.errors import InputError

ROW = {"name": "error", "about": "", "unit": "eV", "good": 0.0, "bad": 1.0, "logarithmic": False, "weight": 1.0}


def record(model="m", protocol="p", benchmark="waves", errors=(0.25, 0.5, None)):
    systems = {
        name: {
            "metrics": {"error": error},
            "score": 0.0 if error is None else 1 - error,
            "document": None if error is None else {},
            "failure": {"kind": "E", "message": "", "directory": None} if error is None else None,
            "missing": {},
            "seconds": 0.0,
        }
        for name, error in zip("ABC", errors, strict=True)
    }
    return {
        "format": FORMAT,
        "benchmark": benchmark,
        "model": model,
        "protocol": protocol,
        "metrics": [{**ROW, "formula": ""}],
        "systems": systems,
    }


def test_each_model_has_a_file_whatever_its_name(tmp_path):
    models = ["emt", "mace:/home/me/a.model?device=cpu", "mace:/home/me/a.model?device=cuda", "../../up"]
    paths = [save_record(record(model), tmp_path) for model in models]
    assert len(set(paths)) == 4
    assert {path.parent for path in paths} == {tmp_path / "waves"}
    assert {one["model"] for one in load_records([tmp_path])} == set(models)


def test_the_last_of_several_counts(tmp_path):
    first = save_record(record(errors=(0.1, 0.1, 0.1)), tmp_path / "one")
    second = save_record(record(errors=(0.2, 0.2, 0.2)), tmp_path / "two")
    assert load_records([first, second])[0]["systems"]["A"]["metrics"] == {"error": 0.2}


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "Cannot read"), ("[]", "no record of a benchmark"), ('{"format": "other"}', "no record of a benchmark")],
)
def test_other_files_are_refused(content, message, tmp_path):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=message):
        load_records([tmp_path / "a.json"])


def test_no_records_are_refused(tmp_path):
    with pytest.raises(InputError, match="no records in .*adatom bench run"):
        load_records([tmp_path])
    with pytest.raises(InputError, match="There is no .*nowhere"):
        load_records([tmp_path / "nowhere"])


def test_other_protocols_are_not_compared(tmp_path):
    save_record(record("a"), tmp_path)
    save_record(record("b", protocol="q"), tmp_path)
    with pytest.raises(InputError, match="not comparable"):
        load_records([tmp_path])
    with pytest.raises(InputError, match="not comparable"):
        compare(record("a"), record("b", protocol="q"))
    with pytest.raises(InputError, match="waves and tides"):
        compare(record("a"), record("b", benchmark="tides"))


def test_two_records_side_by_side():
    found = compare(record("a"), record("b", errors=(0.5, 0.75, 0.125)))
    assert (found["first"], found["second"]) == ("a", "b")
    assert found["metrics"] == [
        {"name": "error", "unit": "eV", "systems": 2, "first": 0.375, "second": 0.625, "better": "first"}
    ]
    assert (found["only_first"], found["only_second"]) == ([], ["C"])
    assert json.dumps(found)


@pytest.mark.parametrize(
    ("text", "symbols"),
    [("Cu", ["Cu"]), ("H-Be", ["H", "He", "Li", "Be"]), ("O, C-N,O", ["C", "N", "O"]), ("Og", ["Og"])],
)
def test_elements_as_users_write_them(text, symbols):
    assert elements_of(text) == symbols


@pytest.mark.parametrize("text", ["", "Xx", "H-", "Ar-H", "H-Xx", "cu", "X", "H-Be-C"])
def test_what_is_no_element_is_refused(text):
    with pytest.raises(InputError, match="Give symbols such as 'H-Ar,Cu'"):
        elements_of(text)
