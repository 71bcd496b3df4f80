"""Records of the runs of benchmarks: a JSON file for each benchmark and model."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from adatom.errors import InputError, StorageError
from adatom.utils.files import whole_file

__all__ = ["FORMAT", "MetricRow", "Record", "SystemRecord", "load_records", "save_record"]

#: Entry ``format`` of each record.
FORMAT = "adatom benchmark 1"


class MetricRow(TypedDict):
    """A metric of a benchmark: the attributes of `adatom.arena.benchmark.Metric`, and its formula."""

    name: str
    about: str
    unit: str
    good: float
    bad: float
    logarithmic: bool
    weight: float
    formula: str


class SystemRecord(TypedDict):
    """Outcome of a model for a system.

    Attributes
    ----------
    metrics
        Metrics by name; None for those that it lacks.
    score
        Mean of the scores of the metrics by their weights, from 0 to 1, times the part of the points that did not fail.
    document
        Document that the metrics are from; None if the run failed.
    failure
        Why the run failed: ``kind``, ``message`` and ``directory``; None if it did not.
    missing
        Points that failed inside the run, by their number, and why.
    seconds
        Time of the calculations in s.
    """

    metrics: dict[str, float | None]
    score: float
    document: dict[str, Any] | None
    failure: dict[str, Any] | None
    missing: dict[str, str]
    seconds: float


class Record(TypedDict):
    """Outcome of a benchmark for a model.

    Attributes
    ----------
    format
        `FORMAT`.
    benchmark, title, about, citation
        Same as in `adatom.arena.benchmark.Benchmark`; `benchmark` is its name.
    model
        Name of the model, as it was given.
    protocol
        Digest of all that tells one protocol from another: systems, parameters, metrics and version.
    size, parameters
        Size of the set of systems, and the arguments of the flow.
    metrics
        Metrics of the benchmark.
    curves
        Curves of the documents: ``x``, ``y``, ``x_unit`` and ``y_unit`` of each.
    systems
        Outcome for each system by name.
    machine
        Versions and hardware of the machine that ran the model; empty if the model could not be made there.
    start, end
        Times in UTC as ISO 8601 text.
    """

    format: str
    benchmark: str
    title: str
    about: str
    citation: str
    model: str
    protocol: str
    size: str
    parameters: dict[str, Any]
    metrics: list[MetricRow]
    curves: list[dict[str, str]]
    systems: dict[str, SystemRecord]
    machine: dict[str, Any]
    start: str
    end: str


def save_record(record: Record, directory: Path) -> Path:
    """Write a record, in place of one of the same benchmark and model.

    Parameters
    ----------
    record
        Record to write.
    directory
        Directory of the records; the file is ``BENCHMARK/MODEL.json`` in it.

    Returns
    -------
    Path
        Path of the file.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    path = directory / record["benchmark"] / f"{_file_name(record['model'])}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1).encode())
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror or error}.") from error
    return path


def load_records(places: Sequence[str | Path]) -> list[Record]:
    """Read records.

    Parameters
    ----------
    places
        Files of records, and directories that `save_record` wrote to.

    Returns
    -------
    list of Record
        Records in the order of `places` and of the names of files; of several of one model and benchmark the last.

    Raises
    ------
    InputError
        A file is not there or is no record, there is none at all, or two of one benchmark have other protocols.
    """
    found: dict[tuple[str, str], tuple[Path, Record]] = {}
    for path in _files(map(Path, places)):
        record = _read(path)
        found[record["benchmark"], record["model"]] = path, record
    if not found:
        raise InputError(f"There are no records in {', '.join(map(str, places))}. `adatom bench run` makes them.")
    first: dict[str, tuple[Path, Record]] = {}
    for path, record in found.values():
        other_path, other = first.setdefault(record["benchmark"], (path, record))
        if other["protocol"] != record["protocol"]:
            raise InputError(
                f"{other_path} and {path} are not comparable: they are of other sets of systems, parameters or "
                f"metrics of {record['benchmark']}. Run both in the same way, or leave one out."
            )
    return [record for _, record in found.values()]


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(place.glob("*/*.json"))
        elif place.is_file():
            yield place
        else:
            raise InputError(f"There is no {place}. Give files and directories that `adatom bench run` wrote.")


def _read(path: Path) -> Record:
    try:
        record: Record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}: {error}.") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{path} is no record of a benchmark. `adatom bench run` makes them.")
    return record


def _file_name(model: str) -> str:
    """Return a name of a file for a model, which no other model has."""
    plain = re.sub(r"[^\w.()+=-]+", "_", model)[:80]
    return plain if plain == model else f"{plain}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"
