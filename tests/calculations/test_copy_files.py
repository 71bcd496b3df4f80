import gzip
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom.calculations import run_static
from adatom.calculations.copy_files import copy_files, find_files
from adatom.errors import InputError, StorageError


@pytest.fixture
def old(tmp_path):
    directory = tmp_path / "old"
    directory.mkdir()
    (directory / "WAVECAR").write_text("waves")
    (directory / "CHGCAR.gz").write_bytes(gzip.compress(b"charge"))
    (directory / "one.chk").write_text("1")
    (directory / "two.chk").write_text("2")
    (directory / "error.txt").write_text("it failed")
    (directory / "sub" / "deep").mkdir(parents=True)
    (directory / "sub" / "data.xml").write_text("data")
    (directory / "sub" / "deep" / "wfc1").write_text("wave 1")
    return directory


ALL = {"WAVECAR": "waves", "CHGCAR": "charge", "one.chk": "1", "two.chk": "2"}


@pytest.mark.parametrize(
    ("sources", "copied"),
    [
        (lambda old: old, ALL),
        (lambda old: str(old), ALL),
        (lambda old: {"dir_name": str(old), "results": {}}, ALL),
        (lambda old: old / "WAVECAR", {"WAVECAR": "waves"}),
        (lambda old: {str(old): "WAVECAR"}, {"WAVECAR": "waves"}),
        (lambda old: {old: ["WAVECAR", "*.chk"]}, {"WAVECAR": "waves", "one.chk": "1", "two.chk": "2"}),
        (lambda old: {old: "CHGCAR"}, {"CHGCAR": "charge"}),
        (lambda old: {old: [Path("WAVECAR"), "one.chk"]}, {"WAVECAR": "waves", "one.chk": "1"}),
        (lambda old: [[old / "one.chk"], [old / "two.chk"]], {"one.chk": "1", "two.chk": "2"}),
        (lambda old: ({"dir_name": str(old)}, "CHG*"), {"CHGCAR": "charge", "CHGCAR.gz": None}),
        (lambda old: [(old, "one.chk"), ({"dir_name": str(old)}, ["two.chk"])], {"one.chk": "1", "two.chk": "2"}),
        (lambda old: [], {}),
        (lambda old: None, {}),
    ],
)
def test_what_is_copied(sources, copied, old):
    result = run_static(bulk("Cu"), EMT(), copy_files=sources(old))
    directory = Path(result["dir_name"])
    assert {path.name for path in directory.iterdir()} == {"static.traj", *copied}
    for name, text in copied.items():
        assert text is None or (directory / name).read_text() == text


def test_a_compressed_file_can_be_asked_for_as_it_is(old, tmp_path):
    copy_files(find_files((old, "CHGCAR.gz")), tmp_path)
    assert gzip.decompress((tmp_path / "CHGCAR.gz").read_bytes()) == b"charge"


def test_files_in_a_directory_keep_their_place(old, tmp_path):
    (old / "sub" / "deep" / "wfc2.gz").write_bytes(gzip.compress(b"wave 2"))
    assert set(find_files((old, "sub/*"))) == {"sub/data.xml"}
    assert set(find_files((old, "*"))) == {*ALL, "CHGCAR.gz", "error.txt"}
    copy_files(find_files({old: ["sub", "one.chk"]}), tmp_path)
    assert (tmp_path / "sub" / "data.xml").read_text() == "data"
    assert [(tmp_path / "sub" / "deep" / f"wfc{i}").read_text() for i in (1, 2)] == ["wave 1", "wave 2"]
    assert (tmp_path / "one.chk").exists()
    assert not (tmp_path / "WAVECAR").exists()


def test_what_is_only_read_is_linked_where_the_disk_can(old, tmp_path, small_disk):
    (tmp_path / "elsewhere").symlink_to(old / "one.chk")
    found = {**find_files((old, ["WAVECAR", "CHGCAR", "sub"])), "sub/link.chk": tmp_path / "elsewhere"}
    before = {path: path.stat().st_mtime_ns for path in old.rglob("*")}
    for place, same in ((tmp_path / "near", True), (small_disk, False)):
        copy_files(found, place, linked=["sub/*", "CHG*"])
        assert (place / "sub" / "data.xml").samefile(old / "sub" / "data.xml") is same
        assert (place / "sub" / "link.chk").samefile(old / "one.chk") is same
        assert not (place / "sub" / "link.chk").is_symlink()
        assert not (place / "WAVECAR").samefile(old / "WAVECAR")
        assert (place / "CHGCAR").read_text() == "charge"
        assert (place / "sub" / "data.xml").read_text() == "data"
    assert {path: path.stat().st_mtime_ns for path in old.rglob("*")} == before


def test_of_equal_names_the_last_wins(old, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "WAVECAR").write_text("newer")
    assert find_files([old, other])["WAVECAR"] == other / "WAVECAR"


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (lambda old: old / "nowhere", "there is no .*nowhere.*CHGCAR.gz, WAVECAR"),
        (lambda old: {old: "POTCAR"}, "no file 'POTCAR'.*CHGCAR.gz, WAVECAR"),
        (lambda old: {old: ["WAVECAR", "*.out"]}, r"no file '\*.out'"),
        (lambda old: {old: "../secret"}, "name alone"),
        (lambda old: {old: 3}, "names the files 3"),
        (lambda old: 3, "copy_files is 3"),
        (lambda old: [{"source": str(old)}], r"Did you mean \{path: names\}, \{'.*old': \['WAVECAR'\]\}"),
        (lambda old: {"source": str(old), "filenames": ["one.chk"]}, r"Did you mean \{path.*old': \['one.chk'\]\}"),
        (
            lambda old: [old, ["WAVECAR", "*.chk"]],
            r"Did you mean a tuple \(source, names\).*old': \['WAVECAR', '\*.chk'",
        ),
        (lambda old: [[str(old), "*.chk"]], r"Did you mean a tuple \(source, names\).*'\*.chk'"),
        (lambda old: [{"dir_name": str(old)}, ["WAVECAR"]], r"Did you mean a tuple .*old': \['WAVECAR'\]"),
        (lambda old: [old, old / "nowhere"], "there is no .*nowhere"),
        (lambda old: (3, "WAVECAR"), "source 3"),
        (lambda old: (old / "WAVECAR", "WAVECAR"), "is a file"),
    ],
)
def test_what_is_missing_or_wrong_is_said_before_a_directory_is_made(sources, said, old, results_dir):
    with pytest.raises(InputError, match=said):
        run_static(bulk("Cu"), EMT(), copy_files=sources(old))
    assert not results_dir.exists()


def test_a_broken_archive_is_named(tmp_path):
    (tmp_path / "CHGCAR.gz").write_bytes(b"no archive")
    with pytest.raises(StorageError, match=r"CHGCAR.gz"):
        run_static(bulk("Cu"), EMT(), copy_files={tmp_path: "CHGCAR"})
