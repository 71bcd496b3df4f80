"""The leaderboard as text."""

import csv
import json

import pytest

from adatom.arena.report.tables import TABLE_KINDS, leaderboard_table
from adatom.arena.score import leaderboard
from adatom.errors import InputError
from tests.arena.report.runs import HOSTILE, records


@pytest.fixture(scope="module")
def board():
    return leaderboard(records())


def test_csv_has_all_numbers(board):
    rows = list(csv.DictReader(leaderboard_table(board, "csv").splitlines()))
    assert [row["model"] for row in rows] == [model["model"] for model in board["models"]]
    for row, model in zip(rows, board["models"], strict=True):
        assert (int(row["rank"]), float(row["score"])) == (model["rank"], model["score"])
        score = model["benchmarks"]["diatomics"]
        assert [float(row[f"diatomics_{end}"]) for end in ("low", "high")] == list(score["interval"])
        for count in ("rank", "systems", "failed", "incomplete"):
            assert int(row[f"diatomics_{count}"]) == score[count]
    (broken,) = [row for row in rows if row["model"] == "broken"]
    assert (broken["diatomics_failed"], broken["again"], broken["again_rank"]) == ("2", "", "")
    (emt,) = [row for row in rows if row["model"] == "EMT"]
    assert emt["again"]
    assert emt["again_low"] == ""  # of one system there is no interval


def test_json_is_the_leaderboard(board):
    read = json.loads(leaderboard_table(board, "json"))
    assert read["benchmarks"] == board["benchmarks"]
    for row, model in zip(read["models"], board["models"], strict=True):
        assert (row["model"], row["score"], row["rank"]) == (model["model"], model["score"], model["rank"])


def test_markdown_is_a_table_whatever_models_are_called(board):
    lines = leaderboard_table(board, "markdown").splitlines()
    assert lines[0] == "| Rank | Model | Score | Homonuclear diatomics | Copper again | Failed | Incomplete |"
    assert lines[1] == "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    assert len(lines) == 2 + len(board["models"])
    assert lines[2].startswith("| 1 | Morse | 1.000 |")
    assert not any("<img" in line.replace(r"\<", "") for line in lines)
    renamed = {**board, "models": [{**board["models"][0], "model": "a|b\nc*"}]}
    assert "| a\\|b c\\* |" in leaderboard_table(renamed, "markdown")
    assert HOSTILE in leaderboard_table(board, "json")


def test_an_unknown_kind_is_answered_with_the_valid_ones(board):
    with pytest.raises(InputError, match=f"'xls'.*{', '.join(TABLE_KINDS)}"):
        leaderboard_table(board, "xls")
