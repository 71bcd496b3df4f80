"""Phonons of crystals, and whether they are stable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import crystals
from adatom.recipes.mlip import phonon_flow

__all__ = ["PHONONS"]


def imaginary(document: Mapping[str, Any]) -> float:
    """Return the part of the modes on the mesh that are imaginary."""
    return float(document["imaginary_modes"] / (np.prod(document["mesh"]) * 3 * len(document["primitive"])))


PHONONS = Benchmark(
    name="phonons",
    title="Phonon stability",
    about="All of these crystals are stable or nearly so, and have no imaginary vibrations.",
    systems=crystals,
    flow=phonon_flow,
    document="phonons",
    metrics=(
        Metric("imaginary", "part of the modes on a mesh that are imaginary", 0.0, 0.1, of=imaginary),
        Metric("lowest_frequency", "lowest frequency, 0 or above for a stable crystal", -0.05, -3.0, "THz"),
    ),
    calls=lambda atoms: (20 + 6 * len(atoms), max(64, 32 * len(atoms))),
    parameters={"min_length": 10.0, "mesh": 30.0, "ignore_imaginary": True},
    packages={"phonopy": "phonons"},
)
