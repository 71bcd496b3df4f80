"""Table of the benchmarks, a line for each."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from adatom.arena.benchmark import Benchmark
from adatom.errors import UnknownNameError

__all__ = ["BENCHMARKS", "find_benchmark"]

#: By the name of a benchmark, the place of its description as ``module:name``.
BENCHMARKS = {
    "diatomics": "adatom.arena.benchmarks.diatomics:DIATOMICS",
    "pairs": "adatom.arena.benchmarks.pairs:PAIRS",
    "energy-volume": "adatom.arena.benchmarks.energy_volume:ENERGY_VOLUME",
    "smoothness": "adatom.arena.benchmarks.smoothness:SMOOTHNESS",
    "equivariance": "adatom.arena.benchmarks.equivariance:EQUIVARIANCE",
    "extensivity": "adatom.arena.benchmarks.extensivity:EXTENSIVITY",
    "locality": "adatom.arena.benchmarks.locality:LOCALITY",
    "eos": "adatom.arena.benchmarks.eos:EOS",
    "elasticity": "adatom.arena.benchmarks.elasticity:ELASTICITY",
    "phonons": "adatom.arena.benchmarks.phonons:PHONONS",
    "cohesion": "adatom.arena.benchmarks.cohesion:COHESION",
    "vacancies": "adatom.arena.benchmarks.vacancies:VACANCIES",
    "speed": "adatom.arena.benchmarks.speed:SPEED",
    "conservation": "adatom.arena.benchmarks.conservation:CONSERVATION",
    "heating": "adatom.arena.benchmarks.endurance:HEATING",
    "compression": "adatom.arena.benchmarks.endurance:COMPRESSION",
    "combustion": "adatom.arena.benchmarks.combustion:COMBUSTION",
}
#: Endings of files of structures.
_FILES = (".xyz", ".extxyz", ".traj", ".db")


def find_benchmark(name: str) -> Benchmark:
    """Return a benchmark by its name.

    Parameters
    ----------
    name
        Name of a benchmark, one of the keys of `BENCHMARKS`; the place of another, as ``module:name``; or a file of
        structures with reference energies, as `adatom.arena.reference.reference_benchmark` takes it.

    Raises
    ------
    UnknownNameError
        There is no such benchmark.
    """
    if Path(name).suffix in _FILES:
        from adatom.arena.reference import reference_benchmark

        return reference_benchmark(name)
    place = BENCHMARKS.get(name, name)
    module, colon, attribute = place.partition(":")
    if not colon:
        raise UnknownNameError("benchmark", name, BENCHMARKS, "Yours is named by its place, as module:NAME.")
    found: Benchmark = getattr(import_module(module), attribute)
    return found
