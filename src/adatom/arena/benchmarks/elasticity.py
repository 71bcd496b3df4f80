"""Elastic constants of crystals, and whether they are stable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import crystals
from adatom.recipes.mlip import elastic_tensor_flow

__all__ = ["ELASTICITY"]


def softest(document: Mapping[str, Any]) -> float:
    """Return the lowest eigenvalue of the stiffness in parts of the highest."""
    eigenvalues = document["eigenvalues"]
    return float(eigenvalues[0] / abs(eigenvalues[-1]))


def nonlinearity(document: Mapping[str, Any]) -> float:
    """Return the stress that is not linear in the strain, in parts of that of the stiffest strain at 1 %."""
    return float(document["residual"] / max(0.01 * np.abs(document["eigenvalues"]).max(), 1e-6))


ELASTICITY = Benchmark(
    name="elasticity",
    title="Elastic stability",
    about="The relaxed crystal resists every small strain, and its stress is linear in it.",
    systems=crystals,
    flow=elastic_tensor_flow,
    document="elasticity",
    metrics=(
        Metric(
            "softest", "lowest eigenvalue of the stiffness in parts of the highest", 0.01, -0.01, weight=2.0, of=softest
        ),
        Metric(
            "nonlinearity",
            "stress that is not linear in the strain, in parts of that of the stiffest strain at 1 %",
            1e-2,
            1.0,
            logarithmic=True,
            of=nonlinearity,
        ),
    ),
    calls=lambda atoms: (100, len(atoms)),
)
