"""The leaderboard as a table."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Literal, get_args

from adatom.arena.score import BenchmarkScore, Leaderboard, ModelScore
from adatom.errors import InputError

__all__ = ["TABLE_KINDS", "TableKind", "leaderboard_rows", "leaderboard_table"]

TableKind = Literal["csv", "json", "markdown"]
#: Kinds of tables.
TABLE_KINDS: tuple[TableKind, ...] = get_args(TableKind)
#: Columns of a benchmark in a CSV file, behind the column of its score.
_COLUMNS = ("low", "high", "rank", "systems", "failed", "incomplete")


def leaderboard_table(board: Leaderboard, kind: TableKind) -> str:
    """Return a leaderboard as the text of a file.

    Parameters
    ----------
    board
        Scores and ranks of models.
    kind
        ``"csv"``: all numbers, with a row for each model and seven columns for each benchmark. ``"json"``: the
        leaderboard as it is. ``"markdown"``: a table to read.

    Raises
    ------
    InputError
        There is no table of this kind.
    """
    if kind == "csv":
        return _csv(board)
    if kind == "json":
        return json.dumps(board, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    if kind == "markdown":
        return _markdown(board)
    raise InputError(f"There is no table of kind {kind!r}. Valid: {', '.join(TABLE_KINDS)}.")


def leaderboard_rows(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    """Return the titles of the columns of a leaderboard, and a row of texts for each model.

    Parameters
    ----------
    board
        Scores and ranks of models.
    """
    titles = ["Rank", "Model", "Score", *board["benchmarks"].values(), "Failed", "Incomplete"]
    return titles, [_row(model, board) for model in board["models"]]


def _row(model: ModelScore, board: Leaderboard) -> list[str]:
    scores = [model["benchmarks"][name] for name in board["benchmarks"]]
    there = [score for score in scores if score]
    return [
        str(model["rank"]),
        model["model"],
        f"{model['score']:.3f}",
        *map(_with_interval, scores),
        str(sum(score["failed"] for score in there)),
        str(sum(score["incomplete"] for score in there)),
    ]


def _with_interval(score: BenchmarkScore | None) -> str:
    if score is None:
        return "no record"
    interval = score["interval"]
    return f"{score['score']:.3f}" + (f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else "")


def _csv(board: Leaderboard) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = [column for name in board["benchmarks"] for column in (name, *(f"{name}_{end}" for end in _COLUMNS))]
    writer.writerow(["rank", "model", "score", *columns])
    for model in board["models"]:
        numbers = [number for name in board["benchmarks"] for number in _numbers(model["benchmarks"][name])]
        writer.writerow([model["rank"], model["model"], model["score"], *numbers])
    return file.getvalue()


def _numbers(score: BenchmarkScore | None) -> Sequence[float | None]:
    if score is None:
        return [None] * (1 + len(_COLUMNS))
    low, high = score["interval"] or (None, None)
    return [score["score"], low, high, score["rank"], score["systems"], score["failed"], score["incomplete"]]


def _markdown(board: Leaderboard) -> str:
    titles, rows = leaderboard_rows(board)
    aligned = ["---" if title == "Model" else "---:" for title in titles]
    lines = [[_plain(cell) for cell in row] for row in (titles, *rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], aligned, *lines[1:]))


def _plain(text: str) -> str:
    """Return a text as Markdown that shows it as it is, in one line."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", " ".join(text.split()))
