"""The page of 20 models in 10 benchmarks: how long it takes to write it, and how large it is.

The records are made up, and shaped as those of real runs: diatomics of 118 elements with 618 points in two curves each,
and nine benchmarks of crystals with 21 points; Morse's curves whose parameters, noise, failures and missing points are
random. Reading them from files is measured beside it, since the time for that is the disk's and the JSON reader's.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
from _measure import SCRATCH, absolute, arguments, report
from ase.data import chemical_symbols

from adatom.arena.benchmarks.diatomics import DIATOMICS
from adatom.arena.records import FORMAT, Record, load_records, save_record
from adatom.arena.report.page import write_page

MODELS, BENCHMARKS, CRYSTALS = 20, 10, 40
POINTS, VOLUMES = 618, 21


def curves(points: int, random: np.random.Generator) -> dict[str, list[float]]:
    """Energies and forces of a Morse potential, with noise as of a model in single precision, or of a rough one."""
    bond, depth, width = random.uniform(1.0, 3.0), random.lognormal(0.5, 0.8), random.uniform(1.0, 2.5)
    r = np.linspace(0.5 * bond, 3.2 * bond, points)
    decay = np.exp(-width * (r - bond))
    noise = depth * random.choice([1e-6, 1e-2], p=[0.8, 0.2])
    energies = depth * (decay**2 - 2 * decay) + noise * random.normal(size=points)
    forces = 2 * width * depth * (decay**2 - decay) + noise * random.normal(size=points)
    return {"distances": r.tolist(), "energies": energies.tolist(), "forces": forces.tolist()}


def system(points: int, random: np.random.Generator) -> dict[str, Any]:
    """The outcome of a system, of which some failed and some lack points."""
    names = [metric.name for metric in DIATOMICS.metrics]
    if random.random() < 0.04:
        message = f"No answer within 60 s at structure {random.integers(points)}, nor at a second try."
        failure = {"kind": "JobTimeoutError", "message": message, "directory": "/scratch/run"}
        nothing = dict.fromkeys(names)
        return {
            "metrics": nothing, "score": 0.0, "document": None, "failure": failure, "missing": {}, "seconds": 60.0
        }  # fmt: skip
    missing = random.integers(points, size=5) if random.random() < 0.1 else []
    return {
        "metrics": dict(zip(names, random.lognormal(size=len(names)).tolist(), strict=True)),
        "score": float(random.beta(5, 2)),
        "document": {"name": DIATOMICS.document, **curves(points, random)},
        "failure": None,
        "missing": {str(each): "the energy is NaN" for each in missing},
        "seconds": float(random.lognormal(2)),
    }


def records() -> list[Record]:
    """A record of each model and benchmark."""
    random = np.random.default_rng(0)
    metrics = [
        {
            **{key: getattr(metric, key) for key in ("name", "about", "unit", "good", "bad", "logarithmic", "weight")},
            "formula": metric.formula,
        }
        for metric in DIATOMICS.metrics
    ]
    units = {"energies": "eV", "forces": "eV/Å"}
    made = []
    for number in range(BENCHMARKS):
        size, points, keys = (CRYSTALS, VOLUMES, ["energies"]) if number else (118, POINTS, ["energies", "forces"])
        names = [f"crystal {each}" for each in range(size)] if number else chemical_symbols[1:119]
        for model in range(MODELS):
            record = {
                "format": FORMAT,
                "benchmark": f"benchmark-{number}" if number else DIATOMICS.name,
                "title": f"Benchmark of crystals {number}" if number else DIATOMICS.title,
                "about": DIATOMICS.about,
                "citation": DIATOMICS.citation,
                "model": f"model-{model}-large-2026",
                "protocol": f"{number:064x}",
                "size": "full",
                "parameters": {"arena_compat": False},
                "metrics": metrics,
                "curves": [{"x": "distances", "y": key, "x_unit": "Å", "y_unit": units[key]} for key in keys],
                "systems": {name: system(points, random) for name in names},
                "machine": {"python": "3.11.2", "adatom": "0.1.0", "cores": 16, "gpu": f"kind {model % 3}"},
                "start": "2026-12-01T08:00:00+00:00",
                "end": f"2026-12-01T{9 + model % 12:02d}:00:00+00:00",
            }
            made.append(record)
    return made


def main() -> None:
    options = arguments(
        "The page of 20 models in 10 benchmarks", 5, keep={"type": Path, "help": "where the page stays"}
    )
    made = records()
    page = options.keep or SCRATCH / "report.html"
    writing, computing, reading = [], [], []
    for _ in range(options.repeats):
        start, computed = time.perf_counter(), time.process_time()
        write_page(made, page)
        writing.append(time.perf_counter() - start)
        computing.append(time.process_time() - computed)
    for record in made:
        save_record(record, SCRATCH / "records")
    for _ in range(min(options.repeats, 2)):
        start = time.perf_counter()
        load_records([SCRATCH / "records"])
        reading.append(time.perf_counter() - start)
    rows = [
        absolute("writing the page", 5.0, writing, "s"),
        absolute("of it on a core, whatever else the machine does", None, computing, "s"),
        absolute("size of the page", 3.0, [page.stat().st_size / 1e6], "MB"),
        absolute("reading the records", None, reading, "s"),
    ]
    report(f"{MODELS} models in {BENCHMARKS} benchmarks", rows, options.json)


if __name__ == "__main__":
    main()
