"""`adatom bench`."""

import csv
import json
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_benchmarks_are_listed_with_their_sizes(cli):
    lines = cli("bench", "list").stdout.splitlines()
    assert lines[0].split()[:4] == ["benchmark", "small", "medium", "full"]
    rows = {line.split()[0]: line.split()[1:4] for line in lines[1:]}
    assert rows["diatomics"] == ["8", "83", "118"]
    found = json.loads(cli("bench", "list", "--json").stdout)
    assert [one["name"] for one in found] == list(rows)
    assert all(one["metrics"] and one["about"] for one in found)


def test_from_models_to_a_page(cli):
    """The whole path, as a user types it."""
    run = ("bench", "run", "diatomics", "extensivity", "--models", "emt,lj", "--elements", "Cu", "--timeout", "60")
    first = cli(*run)
    assert first.exit_code == 0, first.stderr
    head, *rows = [line.split() for line in first.stdout.splitlines()]
    assert head == ["rank", "model", "score", "diatomics", "extensivity"]
    assert {row[1] for row in rows} == {"emt", "lj"}
    assert cli(*run).stdout == first.stdout
    assert cli("bench", "report").exit_code == 0
    page = Path("bench.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    assert cli("bench", "report", "adatom_bench", "--out", "scores.csv").exit_code == 0
    with open("scores.csv") as table:
        assert [row["model"] for row in csv.DictReader(table)] == [row[1] for row in rows]
    compared = cli("bench", "compare", "adatom_bench/diatomics/emt.json", "adatom_bench/diatomics/lj.json")
    scores = {row[1]: row[3] for row in rows}
    assert compared.stdout.splitlines()[1].split() == ["score", scores["emt"], scores["lj"]]
    assert "conservation_deviation (eV/Å)" in compared.stdout


def test_what_failed_is_named_and_is_the_exit_status(cli):
    found = cli("bench", "run", "extensivity", "--models", "emt,chgnet", "--elements", "Si", "--json")
    assert found.exit_code == 1
    board = json.loads(found.stdout)
    assert {row["model"]: row["score"] for row in board["models"]} == {"emt": 0, "chgnet": 0}
    assert "emt, extensivity: 1 of Si: " in found.stderr


def test_a_plan_runs_no_benchmark(cli, tmp_path):
    found = cli("bench", "run", "diatomics", "eos", "--models", "emt", "--elements", "Cu,Al", "--plan")
    assert found.exit_code == 0, found.stderr
    assert [line.split()[:4] for line in found.stdout.splitlines()[1:3]] == [
        ["diatomics", "emt", "2", "1206"],
        ["eos", "emt", "2", "14"],
    ]
    assert "on one worker" in found.stdout
    assert not (tmp_path / "adatom_bench").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "diatomic", "--models", "emt"), "Did you mean 'diatomics'"),
        (("run", "diatomics", "--models", "emtt"), "Did you mean 'emt'"),
        (("run", "diatomics", "--models", "emt", "--elements", "H-Xx"), "Give symbols such as 'H-Ar,Cu'"),
        (("report", "nowhere"), "There is no nowhere"),
        (("report", ".", "-o", "scores.txt"), "a report is .html, .csv, .json, .md"),
    ],
)
def test_bad_input_is_refused(refused, words, message):
    assert message in refused("bench", *words)
