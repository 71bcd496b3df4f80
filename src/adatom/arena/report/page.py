"""The page: one HTML file that shows the records of benchmarks, and needs no server and no network."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from adatom._version import __version__
from adatom.arena.records import Record, SystemRecord
from adatom.arena.report.tables import leaderboard_rows
from adatom.arena.report.thin import packed_curve
from adatom.arena.score import Leaderboard, leaderboard
from adatom.errors import InputError, StorageError
from adatom.plots.style import COLORS
from adatom.utils.files import whole_file

__all__ = ["write_page"]

#: Most and fewest points of a curve, and about how many the curves of a page may have, for its size.
_MOST, _FEWEST, _ALL = 90, 20, 500_000
#: Most characters of the message of a failure.
_MESSAGE = 1000
#: Backgrounds in light and in dark, as in style.css, and the contrast that lines need with theirs (WCAG 2.2, 1.4.11).
_BACKGROUNDS = "#ffffff", "#16181b"
_CONTRAST = 3.2


def write_page(records: Sequence[Record], path: str | os.PathLike[str]) -> None:
    """Write the page of records, in place of one that is there.

    The same records give the same page.

    Parameters
    ----------
    records
        Records of the runs, as `adatom.arena.records.load_records` returns them.
    path
        Path of the page.

    Raises
    ------
    InputError
        There are no records.
    StorageError
        The page cannot be written.
    """
    if not records:
        raise InputError("There are no records to show. `adatom bench run` makes them.")
    page = _page(records, leaderboard(records)).encode()
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(page)
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror or error}.") from error


def _page(records: Sequence[Record], board: Leaderboard) -> str:
    parts = files("adatom.arena.report")
    style = (parts / "style.css").read_text(encoding="utf-8") + _line_colors()
    script = (parts / "script.js").read_text(encoding="utf-8")
    data = json.dumps(_data(records, board), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Template((parts / "template.html").read_text(encoding="utf-8")).substitute(
        # Whatever stands in a record: nothing runs but this script, and nothing is loaded.
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; "
        "form-action 'none'",
        style=style,
        script=script,
        data=base64.b64encode(zlib.compress(data.encode(), 9)).decode(),
        counts=escape(f"{_count(board['models'], 'model')}, {_count(board['benchmarks'], 'benchmark')}"),
        table=_table(board),
        version=escape(__version__),
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _count(things: Sequence[Any] | Mapping[str, Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _table(board: Leaderboard) -> str:
    """Return the rows of the leaderboard for readers without the script."""
    titles, rows = leaderboard_rows(board)
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = [
        "".join(
            f'<th scope="row">{escape(cell)}</th>' if title == "Model" else f"<td>{escape(cell)}</td>"
            for title, cell in zip(titles, row, strict=True)
        )
        for row in rows
    ]
    return f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "".join(f"<tr>{row}</tr>\n" for row in body) + "</tbody>"


# --------------------------------------------------------------------------------------------------------------- data


def _data(records: Sequence[Record], board: Leaderboard) -> dict[str, Any]:
    """Return all that the script shows. It knows models, systems and machines by their number."""
    models = [row["model"] for row in board["models"]]
    machines: list[list[list[str]]] = []
    points = _points(records)
    benchmarks = []
    for name, title in board["benchmarks"].items():
        own = {record["model"]: record for record in records if record["benchmark"] == name}
        first = next(iter(own.values()))
        systems = list(dict.fromkeys(system for record in own.values() for system in record["systems"]))
        runs = [_run(own[model], systems, points, machines) if model in own else None for model in models]
        for model, run in zip(board["models"], runs, strict=True):
            if run is not None:
                run.update(model["benchmarks"][name] or {})
        benchmarks.append(
            {
                "name": name,
                "title": title,
                "about": first["about"],
                "citation": first["citation"],
                "size": first["size"],
                "protocol": first["protocol"],
                "parameters": _texts(first["parameters"]),
                "metrics": first["metrics"],
                "curves": first["curves"],
                "systems": systems,
                "runs": runs,
            }
        )
    return {"models": models, "benchmarks": benchmarks, "machines": machines}


def _points(records: Sequence[Record]) -> int:
    """Return how many points a curve may have."""
    documents = [(record, system["document"]) for record in records for system in record["systems"].values()]
    lengths = [
        len(values)
        for record, document in documents
        for curve in record["curves"]
        if document and isinstance(values := document.get(curve["y"]), Sequence | np.ndarray)
    ]
    there = np.array(lengths, dtype=int)
    fitting = (count for count in range(_MOST, _FEWEST, -2) if np.minimum(there, count).sum() <= _ALL)
    return next(fitting, _FEWEST)


def _run(record: Record, systems: Sequence[str], points: int, machines: list[list[list[str]]]) -> dict[str, Any]:
    found = [record["systems"].get(system) for system in systems]
    machine = _texts(record["machine"])
    if machine not in machines:
        machines.append(machine)
    pairs = [(curve["x"], curve["y"]) for curve in record["curves"]]
    documents = [system["document"] if system else None for system in found]
    return {
        "scores": [system and _digits(system["score"]) for system in found],
        "values": [
            [system and _digits(system["metrics"].get(metric["name"])) for system in found]
            for metric in record["metrics"]
        ],
        "drawn": [packed_curve(document, pairs, points) if document else None for document in documents],
        "failures": _grouped((i, failure) for i, one in enumerate(found) for failure in _failure(one)),
        "missing": _missing(found),
        "seconds": _digits(sum(system["seconds"] for system in found if system)),
        "start": record["start"],
        "end": record["end"],
        "machine": machines.index(machine),
    }


def _failure(system: SystemRecord | None) -> Iterable[tuple[str, str]]:
    if system and system["failure"] is not None:
        failure = system["failure"]
        yield str(failure.get("kind") or ""), _cut(str(failure.get("message") or ""))


def _missing(systems: Sequence[SystemRecord | None]) -> list[list[Any]]:
    """Return each reason of points that are missing, and the systems with the numbers of their points."""
    reasons: dict[str, dict[int, list[str]]] = {}
    for number, system in enumerate(systems):
        for point, reason in (system["missing"] if system else {}).items():
            reasons.setdefault(_cut(str(reason)), {}).setdefault(number, []).append(point)
    return [
        [reason, [[number, _ranges(points)] for number, points in found.items()]] for reason, found in reasons.items()
    ]


def _grouped(rows: Iterable[tuple[int, tuple[str, str]]]) -> list[list[Any]]:
    """Return pairs of texts, each once, with the numbers of the systems that have it."""
    groups: dict[tuple[str, str], list[int]] = {}
    for system, texts in rows:
        groups.setdefault(texts, []).append(system)
    return [[*texts, systems] for texts, systems in groups.items()]


def _ranges(numbers: Sequence[str]) -> str:
    """Return numbers as text: ``"3 to 7, 12"``."""
    if not all(number.isdecimal() for number in numbers):
        return ", ".join(numbers)
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(sorted(map(int, numbers))), key=lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _cut(text: str) -> str:
    return text if len(text) <= _MESSAGE else text[:_MESSAGE] + " …"


def _digits(value: float | None) -> float | None:
    """Return a number with the digits that the page shows; None for what is none."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def _texts(value: Any, place: str = "") -> list[list[str]]:
    """Return the names and values in nested tables as pairs of texts."""
    if isinstance(value, Mapping):
        inner = ((f"{place}.{key}" if place else str(key), item) for key, item in value.items())
        return [pair for name, item in inner for pair in _texts(item, name)]
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return [[place, _cut(str(value))]]


# ------------------------------------------------------------------------------------------------------------- colours


def _line_colors() -> str:
    """Return the style of the lines of models, with contrast enough in light and in dark."""
    rows = [
        f".c{number} {{ --line: light-dark({', '.join(_visible(color, ground) for ground in _BACKGROUNDS)}); }}\n"
        for number, color in enumerate(COLORS)
    ]
    return "".join(rows)


def _visible(color: str, ground: str) -> str:
    """Return a colour, darker or lighter if a line of it can hardly be seen."""
    channels, goal = _channels(color), 0 if _luminance(_channels(ground)) > 0.5 else 255
    for part in range(0, 100, 4):
        mixed = [round(channel + (goal - channel) * part / 100) for channel in channels]
        light, dark = sorted((_luminance(mixed), _luminance(_channels(ground))), reverse=True)
        if (light + 0.05) / (dark + 0.05) >= _CONTRAST:
            break
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _channels(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def _luminance(channels: Sequence[int]) -> float:
    """Return the relative luminance of a colour, as WCAG defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in channels)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
