"""Records of small runs, and of runs that went wrong."""

from functools import cache

import numpy as np
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential

from adatom.arena.benchmarks.diatomics import DIATOMICS
from adatom.arena.records import FORMAT
from adatom.recipes.mlip import diatomic_flow

HOSTILE = "</script><img src=x onerror=alert(1)>"
MODELS = {
    "EMT": EMT(),
    "LJ": LennardJones(sigma=2.3, epsilon=0.4, rc=20.0),
    "Morse": MorsePotential(epsilon=1.0, r0=2.2, rho0=6.0, rcut1=20.0, rcut2=21.0),
}
ELEMENTS = ("Al", "Cu")
DISTANCES = np.linspace(1.2, 7.4, 311).tolist()


@cache
def curve(model, element):
    """The document of a real run."""
    job_params = {"all": {"calculator": MODELS[model]}}
    document = diatomic_flow(element, distances=DISTANCES, job_params=job_params)["curve"]
    return plain(document)


def plain(document):
    """A document as it stands in a record: lists, and None for NaN."""
    found = {}
    for key, value in document.items():
        value = value.tolist() if isinstance(value, np.ndarray) else value
        found[key] = None if isinstance(value, float) and np.isnan(value) else value
    return found


def system(document, failure=None, missing=None):
    """The outcome of a system."""
    values = {metric.name: document[metric.name] if document else None for metric in DIATOMICS.metrics}
    scores = [metric.score(values[metric.name]) for metric in DIATOMICS.metrics]
    return {
        "metrics": values,
        "score": float(np.mean(scores)),
        "document": document,
        "failure": failure,
        "missing": missing or {},
        "seconds": 1.5,
    }


def failed(message, kind="JobTimeoutError"):
    """The outcome of a system whose run failed."""
    return system(None, {"kind": kind, "message": message, "directory": "/runs/1"})


def record(model, systems, name="diatomics", title="Homonuclear diatomics", **other):
    """A record of the benchmark of diatomics, under another name."""
    metrics = [
        {
            **{key: getattr(metric, key) for key in ("name", "about", "unit", "good", "bad", "logarithmic", "weight")},
            "formula": metric.formula,
        }
        for metric in DIATOMICS.metrics
    ]
    return {
        "format": FORMAT,
        "benchmark": name,
        "title": title,
        "about": DIATOMICS.about,
        "citation": DIATOMICS.citation,
        "model": model,
        "protocol": "0f3b" * 8,
        "size": "small",
        "parameters": {},
        "metrics": metrics,
        "curves": [
            {"x": "distances", "y": "energies", "x_unit": "Å", "y_unit": "eV"},
            {"x": "distances", "y": "forces", "x_unit": "Å", "y_unit": "eV/Å"},
        ],
        "systems": systems,
        "machine": {"python": "3.11.2", "packages": {"ase": "3.29.0"}, "cores": 2, "processor": "x86_64"},
        "start": "2026-12-03T06:00:00+00:00",
        "end": "2026-12-03T06:10:00+00:00",
        **other,
    }


@cache
def records():
    """Three real models in a benchmark, two of them in another; a model whose runs fail, and a hostile one."""
    real = [record(model, {each: system(curve(model, each)) for each in ELEMENTS}) for model in MODELS]
    real[1]["systems"]["Al"]["missing"] = dict.fromkeys(("3", "4", "5", "9"), "the energy is NaN")
    real[1]["systems"]["Cu"]["missing"] = {"2": "the energy is NaN"}
    other = [
        record(model, {"Cu": system(curve(model, "Cu"))}, "again", "Copper again", curves=[])
        for model in ("EMT", "Morse")
    ]
    why = "No answer within 60 s.\nRaise the limit."
    broken = record("broken", {each: failed(why) for each in ELEMENTS}, machine={})
    hostile = record(HOSTILE, {"Al": system(curve("EMT", "Al")), "Cu": failed(HOSTILE, HOSTILE)})
    return [*real, *other, broken, hostile]
