import pytest

from adatom.calculators.preset import load_preset, preset_names
from adatom.errors import InputError, UnknownNameError


@pytest.fixture
def files(tmp_path):
    (tmp_path / "parent.yaml").write_text("a: 1\nb: {c: 2, d: 3}\n")
    (tmp_path / "child.yaml").write_text("parent: ./parent.yaml\nb: {c: 4, d: Remove}\n")
    (tmp_path / "both.yaml").write_text("parent: [./child.yaml, ./other.yml]\n")
    (tmp_path / "other.yml").write_text("a: 7\n")
    return tmp_path


def test_a_file_goes_on_from_its_parents(files):
    assert load_preset("espresso", files / "child.yaml") == {"a": 1, "b": {"c": 4}}
    assert load_preset("espresso", str(files / "both.yaml")) == {"a": 7, "b": {"c": 4}}
    assert load_preset("espresso", "child.yaml") == {"a": 1, "b": {"c": 4}}  # in the working directory
    assert load_preset("espresso", [files / "other.yml", files / "parent.yaml"])["a"] == 1
    assert load_preset("espresso", None) == {}


def test_what_a_file_removes_is_taken_from_all_before_it(files):
    (files / "less.yaml").write_text("parent: ./other.yml\nb: {c: Remove}\n")
    assert load_preset("espresso", [files / "parent.yaml", files / "less.yaml"]) == {"a": 7, "b": {"d": 3}}


def test_a_file_goes_on_from_one_of_ours(tmp_path):
    (tmp_path / "mine.yaml").write_text("parent: metal\nkspacing: 0.1\n")
    ours = load_preset("espresso", "metal")
    assert load_preset("espresso", tmp_path / "mine.yaml") == {**ours, "kspacing": 0.1}
    assert ours["kspacing"] != 0.1


def test_mistakes_are_named(tmp_path):
    with pytest.raises(UnknownNameError, match=r"'metall'. Did you mean 'metal'\? Valid: base, lda.*mine.yaml"):
        load_preset("espresso", "metall")
    with pytest.raises(InputError, match=r"no preset .*nowhere.yaml'. Those of espresso: base"):
        load_preset("espresso", "nowhere.yaml")
    with pytest.raises(InputError, match="preset is 3"):
        load_preset("espresso", 3)
    for text, said in {
        "parent: ./bad.yaml": r"its own parent: .*bad.yaml -> .*bad.yaml",
        "[1, 2]": "no table",
        "a: {b": "cannot be read",
        "input_data: {conv_thr: 1e-8}": r"conv_thr: 1e-8 is text in YAML. Write 1\.0+e-08",
    }.items():
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(InputError, match=said):
            load_preset("espresso", tmp_path / "bad.yaml")


def test_all_of_ours_can_be_read():
    names = preset_names("espresso")
    assert {"metal", "semiconductor", "molecule", "slab"} <= set(names)
    for name in names:
        assert load_preset("espresso", name)
