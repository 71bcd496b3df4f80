"""Equations of state of crystals near equilibrium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import crystals
from adatom.recipes.mlip import eos_flow

__all__ = ["EOS"]


def relative_residual(document: Mapping[str, Any]) -> float:
    """Return the largest residual of the fit, in parts of the range of the energies."""
    return float(np.abs(document["residuals"]).max() / np.ptp(document["energies"]))


def shift(document: Mapping[str, Any]) -> float:
    """Return the distance of the lowest energy from the middle of the points, in parts of the volume."""
    return float(abs(document["v0"] / np.mean([document["volumes"][0], document["volumes"][-1]]) - 1))


def softness(document: Mapping[str, Any]) -> float:
    """Return the bulk modulus in GPa, at most 1: whether the crystal resists compression at all."""
    return min(float(document["bulk_modulus"]), 1.0)


EOS = Benchmark(
    name="eos",
    title="Equation of state",
    about="The energies of a crystal at volumes from 6 % less to 6 % more than the experimental one, with relaxed "
    "ions, follow an equation of state.",
    systems=crystals,
    flow=eos_flow,
    document="eos",
    metrics=(
        Metric(
            "relative_residual",
            "largest residual of the fit in parts of the range of the energies",
            1e-3,
            1e-1,
            logarithmic=True,
            of=relative_residual,
        ),
        Metric(
            "shift", "distance of the lowest energy from the experimental volume, in parts of it", 0.02, 0.2, of=shift
        ),
        Metric(
            "softness",
            "bulk modulus, at most 1 GPa: 1 for a crystal that resists compression",
            1.0,
            0.0,
            "GPa",
            of=softness,
        ),
    ),
    curves=(("volumes", "energies"),),
    calls=lambda atoms: (7 * (1 if len(atoms) < 3 else 15), len(atoms)),
    parameters={"strains": (-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06)},
)
