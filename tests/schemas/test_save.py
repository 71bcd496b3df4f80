import gzip
import json

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from adatom import flow, job
from adatom.calculations import run_md, run_static
from adatom.errors import InputError, StorageError
from adatom.schemas.save import add_metadata, load_results, save_results


@job
def static(atoms):
    return run_static(atoms, EMT())


@flow(on_failure="return")
def copper_and_iron():
    copper = static(bulk("Cu"))
    iron = static(bulk("Fe"))  # EMT has no iron
    return {"copper": copper, "others": [iron, static(iron["atoms"])]}


@pytest.mark.parametrize("name", ["out.json", "deep/er/out.json.gz"])
def test_results_come_back(name, tmp_path):
    slab = fcc111("Cu", (2, 1, 2), vacuum=8)
    slab.set_constraint(FixAtoms([0]))
    slab.info = {"miller_index": [1, 1, 1]}
    value = {
        "slabs": [run_static(slab, EMT()), run_md(bulk("Cu") * (2, 1, 1), EMT(), temperature=300, steps=2)],
        "1": [2],
    }
    path = save_results(value, tmp_path / name)
    back = load_results(path)
    assert back["1"] == [2]
    for before, after in zip(value["slabs"], back["slabs"], strict=True):
        assert after["atoms"] == before["atoms"]
        assert after["atoms"].get_momenta() == pytest.approx(before["atoms"].get_momenta(), abs=0)
        assert {key: list(value) for key, value in after["atoms"].info.items()} == before["atoms"].info
        assert after["provenance"] == before["provenance"]
        assert after["parameters"] == before["parameters"]
        np.testing.assert_array_equal(after["results"]["forces"], before["results"]["forces"])
    assert back["slabs"][0]["atoms"].constraints[0].index.tolist() == [0]
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert json.loads(data)["slabs"][0]["converged"] is True


@pytest.mark.parametrize("metadata", [False, True])
def test_failures_are_saved_in_the_places_of_their_results(metadata, tmp_path):
    value = copper_and_iron()
    back = load_results(save_results(value, tmp_path / "out.json", metadata=metadata))
    assert back["copper"]["atoms"] == bulk("Cu")
    assert ("structure_metadata" in back["copper"]) == metadata
    failed, skipped = (item["failure"] for item in back["others"])
    known = {"job", "directory", "kind", "message", "traceback", "host", "pid", "skipped_because", "resumable"}
    assert set(failed) == known
    assert failed["kind"] == value["others"][0].kind
    assert failed["message"] == value["others"][0].message
    assert "Traceback" in failed["traceback"]
    assert failed["skipped_because"] is None
    assert skipped["kind"] == "Skipped"
    assert skipped["skipped_because"] == failed["job"]
    assert "structure_metadata" not in value["copper"]  # what is saved is a copy


def test_metadata_that_cannot_be_made_keeps_nothing_from_being_saved(tmp_path):
    ghost = bulk("Cu")
    ghost.numbers[:] = 0
    value = [{"results": {"energy": 1.0}, "dir_name": "/runs/ghost", "atoms": ghost}, run_static(bulk("Cu"), EMT())]
    with pytest.warns(UserWarning, match="1 of the results saved have no metadata"):
        path = save_results(value, tmp_path / "out.json", metadata=True)
    without, good = load_results(path)
    assert without["results"] == {"energy": 1.0}
    assert "structure_metadata" not in without
    assert good["structure_metadata"]["formula_pretty"] == "Cu"
    changed, reasons = add_metadata(value)
    assert changed[0] == value[0]
    assert len(reasons) == 1


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path):
    path = save_results({"a": 1}, tmp_path / "out.json")
    with pytest.raises(InputError, match="Cannot save"):
        save_results({"a": object()}, path)
    assert load_results(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = save_results({"a": 1}, tmp_path / "out.json")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adatom.utils.files.os.replace", full)
    with pytest.raises(StorageError, match="No space left"):
        save_results({"a": 2}, path)
    assert load_results(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Cannot write"):
        save_results({}, tmp_path / "file" / "out.json")


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", b"no json"), ("a.json.gz", b"no gzip"), ("b.json", b"\xff\xfe")]
)
def test_a_file_that_is_none_of_results(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        load_results(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load_results(tmp_path / "nowhere.json")
