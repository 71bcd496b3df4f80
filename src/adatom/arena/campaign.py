"""Runs of benchmarks: models and systems as one flow, and its records."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from adatom import Failure, change_settings, flow, get_settings, make_runner
from adatom.analysis.documents import find_documents, units_of
from adatom.arena.benchmark import Benchmark, Metric, Size
from adatom.arena.benchmarks import find_benchmark
from adatom.arena.machine import describe_machine
from adatom.arena.records import FORMAT, MetricRow, Record, SystemRecord, save_record
from adatom.calculators.models import Calculator, model, named_model
from adatom.errors import InputError, StorageError
from adatom.execution.registry import get_engine
from adatom.schemas.readable import readable
from adatom.schemas.search import find_results
from adatom.utils.nested import collect
from adatom.workflow import Flow, Job

__all__ = ["calculators_of", "run_benchmarks", "worker_processes"]


def run_benchmarks(
    benchmarks: Sequence[str | Benchmark],
    models: Sequence[str] | Mapping[str, Calculator],
    *,
    size: Size = "small",
    elements: Collection[str] | None = None,
    timeout: float | None = None,
    directory: str | Path = "adatom_bench",
    runner: Any = None,
) -> list[Record]:
    """Run benchmarks of models, and write a record of each benchmark and model.

    A job that crashes, hangs, returns NaN or lacks a package fails alone, and the record says why. Finished jobs are
    stored in `directory`: the same call goes on after a kill, and computes only what is new.

    Parameters
    ----------
    benchmarks
        Names of benchmarks, as `adatom.arena.benchmarks.BENCHMARKS` has them, or benchmarks.
    models
        Names of models, or calculators by name, in any form that `adatom.calculators.models.make_model` takes.
    size
        Size of the set of systems of each benchmark.
    elements
        Symbols of elements, of which the systems are to be made, whatever the size. None: all.
    timeout
        Seconds after which a job is killed. None: no limit.
    directory
        Directory of the records, of stored results and of run directories.
    runner
        Runner for all jobs. None: the engine's default; of the local engine, worker processes, since a model may crash
        the process that it runs in.

    Returns
    -------
    list of Record
        Records in the order of `benchmarks` and `models`.

    Raises
    ------
    InputError
        A name is unknown, or there is nothing to run.
    MissingExtraError
        A package of a benchmark's own is not installed.
    StorageError
        A record cannot be written; the directory is made before anything is computed.
    """
    chosen = [find_benchmark(one) if isinstance(one, str) else one for one in benchmarks]
    calculators = calculators_of(models)
    systems = {one.name: one.chosen(size, elements) for one in chosen}
    campaign = _campaign(chosen, calculators, systems, timeout)
    place = Path(directory).absolute()
    try:
        place.mkdir(parents=True, exist_ok=True)  # before anything is computed
    except OSError as error:
        raise StorageError(f"Cannot make {place}: {error.strerror or error}. Give another directory.") from error
    start = datetime.now(UTC)
    with _settings(place), worker_processes(runner) as used:
        found = campaign.with_options(runner=used)()
    end = datetime.now(UTC)
    records = []
    for benchmark in chosen:
        for name in calculators:
            record = _record(benchmark, size, name, systems[benchmark.name], found["runs"][benchmark.name][name])
            machine = found["machines"][name]
            record["machine"] = {} if isinstance(machine, Failure) else machine
            record["start"], record["end"] = (when.isoformat(timespec="seconds") for when in (start, end))
            save_record(record, place)
            records.append(record)
    return records


def calculators_of(models: Sequence[str] | Mapping[str, Calculator]) -> dict[str, Calculator]:
    """Return calculators by name, and refuse names of no model.

    Parameters
    ----------
    models
        Same as in `run_benchmarks`.
    """
    if isinstance(models, str) or not models:
        raise InputError(f"models is {models!r}. Give a list of names such as ['chgnet', 'emt'].")
    found: dict[str, Calculator] = {}
    found.update(models if isinstance(models, Mapping) else {name: name for name in models})
    for calculator in found.values():
        if isinstance(calculator, str) and named_model(calculator) is None:
            model(calculator.partition(":")[0])  # which refuses it
    return found


def _campaign(
    benchmarks: Sequence[Benchmark],
    calculators: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    timeout: float | None,
) -> Flow[[], dict[str, Any]]:
    def limited(job: Job[Any, Any]) -> Job[Any, Any]:
        return job.with_options(timeout=timeout)

    @flow(name="bench", on_failure="return")
    def campaign() -> dict[str, Any]:
        machines = {name: limited(describe_machine)(calculator) for name, calculator in calculators.items()}
        runs: dict[str, dict[str, dict[str, Any]]] = {}
        for one in benchmarks:
            runs[one.name] = {
                name: {
                    key: one.flow(
                        system,
                        job_params={"all": {"calculator": calculator}},
                        job_decorators={"all": limited},
                        **one.parameters,
                    )
                    for key, system in systems[one.name].items()
                }
                for name, calculator in calculators.items()
            }
        return {"machines": machines, "runs": runs}

    return campaign


@contextmanager
def _settings(place: Path) -> Iterator[None]:
    """Keep results and run directories in the directory of the records, unless the user has a cache on."""
    own = {} if get_settings().cache != "off" else {"cache": "on", "cache_dir": place / "cache"}
    with change_settings({"results_dir": place / "runs", **own}):
        yield


@contextmanager
def worker_processes(runner: Any = None) -> Iterator[Any]:
    """Give a runner, or worker processes where the engine would run jobs in this process.

    Parameters
    ----------
    runner
        Runner of the user; None: there is none.
    """
    if runner is not None or get_engine().capabilities.processes:
        yield runner
        return
    pool = make_runner(workers=get_settings().local_workers)
    try:
        yield pool
    finally:
        pool.close()


def _record(
    benchmark: Benchmark, size: str, name: str, systems: Mapping[str, Any], values: Mapping[str, Any]
) -> Record:
    rows: list[MetricRow] = [_row(metric) for metric in benchmark.metrics]
    units = units_of(benchmark.document) if benchmark.curves else {}
    curves = [{"x": x, "y": y, "x_unit": units[x], "y_unit": units[y]} for x, y in benchmark.curves]
    parameters = readable(benchmark.parameters)
    said = [benchmark.name, benchmark.version, benchmark.document, list(systems), parameters, rows]
    return {
        "format": FORMAT,
        "benchmark": benchmark.name,
        "title": benchmark.title,
        "about": benchmark.about,
        "citation": benchmark.citation,
        "model": name,
        "protocol": hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16],
        "size": size,
        "parameters": parameters,
        "metrics": rows,
        "curves": curves,
        "systems": {key: _system(benchmark, value) for key, value in values.items()},
        "machine": {},
        "start": "",
        "end": "",
    }


def _row(metric: Metric) -> MetricRow:
    row = {name: value for name, value in asdict(metric).items() if name != "of"}
    return {**row, "formula": metric.formula}  # type: ignore[typeddict-item]


def _system(benchmark: Benchmark, value: Any) -> SystemRecord:
    """Return what a run gave: the metrics of its document, or why it failed."""
    document = next((found for _, found in find_documents(value, [benchmark.document])), None)
    results = [result for _, result in find_results(value)]
    missing = {key: why for result in results for key, why in result.get("missing", {}).items()}
    seconds = sum(result["provenance"]["duration"] for result in results)
    if document is None:
        metrics: dict[str, float | None] = {metric.name: None for metric in benchmark.metrics}
        return {
            "metrics": metrics,
            "score": 0.0,
            "document": None,
            "failure": _failure(value),
            "missing": missing,
            "seconds": seconds,
        }
    values = {metric.name: metric.value(document) for metric in benchmark.metrics}
    scores = [metric.score(values[metric.name]) for metric in benchmark.metrics]
    score = float(np.average(scores, weights=[metric.weight for metric in benchmark.metrics]))
    there = sum(len(result["points"]["energies"]) for result in results if "points" in result and "missing" in result)
    return {
        "metrics": {key: number if math.isfinite(number) else None for key, number in values.items()},
        "score": score * (1 - len(missing) / there) if there else score,
        "document": _kept(document, {key for curve in benchmark.curves for key in curve}),
        "failure": None,
        "missing": missing,
        "seconds": seconds,
    }


def _failure(value: Any) -> dict[str, Any]:
    """Return the failure from which all others of a run follow."""
    failures: list[Failure] = collect(value, Failure)
    first = next((one for one in failures if one.skipped_because is None), failures[0])
    return {"kind": first.kind, "message": first.message, "directory": first.directory}


def _kept(document: Mapping[str, Any], curves: Collection[str]) -> dict[str, Any]:
    """Return the numbers and texts of a document, and the arrays of its curves."""
    plain = (bool, int, float, str, np.generic)
    return {key: _plain(value) for key, value in document.items() if key in curves or isinstance(value, plain)}


def _plain(value: Any) -> Any:
    """Return a value for JSON, in which what is no finite number is None."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
