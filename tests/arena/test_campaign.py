"""Runs of benchmarks: what models may do, and what the records say of it."""

import json

import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential

from adatom import change_settings
from adatom.arena.campaign import run_benchmarks
from adatom.arena.records import load_records
from adatom.arena.score import leaderboard
from adatom.errors import InputError, StorageError, UnknownNameError
from tests.arena.potentials import Counting, Crashing, HalfNotANumber, Hanging, NotANumber, WithoutStress

MORSE = (MorsePotential, [], {"epsilon": 1.0, "r0": 2.2, "rho0": 6.0, "rcut1": 20.0, "rcut2": 21.0})


@pytest.fixture(autouse=True)
def _local(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with change_settings(workflow_engine="local", local_workers=1):
        yield


def test_models_that_misbehave_are_all_in_the_record(tmp_path):
    models = {
        "morse": MORSE,
        "crashing": Crashing,
        "hanging": Hanging,
        "nan": NotANumber,
        "half": HalfNotANumber,
        "missing": "7net-0",
    }
    records = run_benchmarks(["diatomics"], models, elements=["Cu"], timeout=15, directory=tmp_path / "bench")
    found = {record["model"]: record["systems"]["Cu"] for record in records}
    assert found["morse"]["failure"] is None
    assert found["morse"]["score"] > 0.99
    reasons = {name: one["failure"]["kind"] for name, one in found.items() if one["failure"]}
    assert reasons == {
        "crashing": "WorkerDiedError",
        "hanging": "JobTimeoutError",
        "nan": "ConvergenceError",
        "missing": "MissingExtraError",
    }
    assert "pip install" in found["missing"]["failure"]["message"]
    assert all(one["score"] == 0 for one in found.values() if one["failure"])
    half = found["half"]
    assert half["failure"] is None
    assert 300 < len(half["missing"]) < 618
    assert 0 < half["score"] < 1 - len(half["missing"]) / 618 + 1e-9
    board = leaderboard(load_records([tmp_path / "bench"]))
    ranks = {row["model"]: row["rank"] for row in board["models"]}
    assert ranks == {"morse": 1, "half": 2, "crashing": 3, "hanging": 3, "missing": 3, "nan": 3}


def test_a_model_without_stress_fails_where_stress_is_needed():
    records = run_benchmarks(["elasticity", "locality"], {"plain": WithoutStress}, elements=["Cu"])
    failure = records[0]["systems"]["Cu"]["failure"]
    assert "has no 'stress'" in failure["message"]
    assert records[1]["systems"]["Cu"]["score"] == 1


def test_what_is_done_is_not_computed_again(tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setenv("COUNTING_LOG", str(log))  # as an argument, its content would count
    first = run_benchmarks(["energy-volume"], {"emt": Counting}, elements=["Cu"], directory="bench")
    assert log.stat().st_size == 21
    again = run_benchmarks(["energy-volume"], {"emt": Counting}, elements=["Cu", "Al"], directory="bench")
    assert log.stat().st_size == 42  # of aluminium
    assert again[0]["systems"]["Cu"] == first[0]["systems"]["Cu"]
    assert again[0]["protocol"] != first[0]["protocol"]  # as the sets of systems differ


def test_a_record_says_how_it_was_made(tmp_path):
    (record,) = run_benchmarks(["extensivity"], {"emt": EMT}, elements=["Cu"], directory=tmp_path / "bench")
    path = tmp_path / "bench" / "extensivity" / "emt.json"
    assert json.loads(path.read_text()) == record
    assert load_records([path]) == load_records([tmp_path / "bench"]) == [record]
    assert record["machine"]["versions"]["ase"]
    assert record["machine"]["cores"] >= 1
    assert [row["name"] for row in record["metrics"]] == ["energy_error", "force_error"]
    assert record["metrics"][0]["formula"].startswith("(log energy_error - log 0.1)")
    assert record["start"] <= record["end"]
    assert record["systems"]["Cu"]["metrics"]["energy_error"] < 1e-12
    assert record["systems"]["Cu"]["seconds"] > 0


@pytest.mark.parametrize(
    ("benchmarks", "models", "given", "error", "message"),
    [
        (["diatomic"], ["chgnet"], {}, UnknownNameError, "diatomics"),
        (["diatomics"], ["chgnett"], {}, UnknownNameError, "chgnet"),
        (["diatomics"], {"mine": "chgnett"}, {}, UnknownNameError, "chgnet"),
        (["diatomics"], "chgnet", {}, InputError, "Give a list of names"),
        (["diatomics"], [], {}, InputError, "Give a list of names"),
        (["vacancies"], {"emt": EMT}, {"elements": ["Si"]}, InputError, "no system of Si alone"),
    ],
)
def test_bad_input_is_refused_before_anything_is_computed(benchmarks, models, given, error, message, tmp_path):
    with pytest.raises(error, match=message):
        run_benchmarks(benchmarks, models, directory="bench", **given)
    assert not (tmp_path / "bench").exists()


def test_a_directory_that_cannot_be_made_is_found_first(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COUNTING_LOG", str(tmp_path / "log"))
    with pytest.raises(StorageError, match="Give another directory"):
        run_benchmarks(["extensivity"], {"emt": Counting}, elements=["Cu"], directory=tmp_path / "file" / "bench")
    assert not (tmp_path / "log").exists()


def test_metrics_that_are_no_numbers_are_said():
    (record,) = run_benchmarks(["diatomics"], {"half": HalfNotANumber}, elements=["Cu"])
    document = record["systems"]["Cu"]["document"]
    assert document["missing"] == len(record["systems"]["Cu"]["missing"])
    assert len(document["distances"]) == 618 - document["missing"]
    assert np.isfinite(document["energies"]).all()
